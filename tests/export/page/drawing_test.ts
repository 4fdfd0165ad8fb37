import assert from "node:assert/strict";
import { join } from "node:path";
import type { Window } from "../../../metrics/document.ts";
import { DocumentBuilder } from "../../../metrics/document_builder.ts";
import { Drawings } from "../../../export/page/drawing/drawings.ts";
import { ServerHistory } from "../../../export/history/server_history.ts";
import { sampleAt } from "../../metrics/capture_records.ts";
import { recordsOf } from "../../metrics/fixtures/captures.ts";

/** A server whose windows are those of a real capture, as if they were of now. */
async function realServer(change: (window: Window) => Window = (window) => window) {
  const server = new ServerHistory("dhcp4");
  const builder = new DocumentBuilder();
  let behind = 0;
  for (const record of await recordsOf("v4")) {
    const window = builder.next(record);
    if (record.type === "capture") {
      behind = Date.now() - Date.parse(record.started) - 60_000;
      server.next(record, null);
    } else if (window !== null) {
      const later = (time: string) => new Date(Date.parse(time) + behind).toISOString();
      const { start, end } = window;
      server.next(
        sampleAt(1, {}),
        change({ ...window, start: later(start), end: later(end) }),
      );
    }
  }
  return server;
}

const htmlOf = (parts: readonly { readonly html: string }[] | null) =>
  (parts ?? []).map(({ html }) => html).join("");

async function withScript(text: string, test: (script: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const script = join(folder, "draw.ts");
    await Deno.writeTextFile(script, text);
    await test(script);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("Drawings draws a real capture in both widths, once per reading", async () => {
  const server = await realServer();
  await using drawings = new Drawings();
  const [parts, same] = await Promise.all([
    drawings.draw(server, ["wide", "narrow"]),
    drawings.draw(server, ["wide", "narrow"]),
  ]);
  assert.equal(parts, same);
  const ids = parts!.map(({ id }) => id);
  for (const id of ["traffic", "latency-heat-map", "processing-time", "stages", "ledger"]) {
    assert.ok(ids.includes(id), id);
  }
  const html = htmlOf(parts);
  assert.equal(html.match(/<svg /g)?.length, 2 * html.match(/<figure>/g)!.length);
  assert.match(html, /over the last hour/);
  assert.equal(drawings.problem, null);
  assert.equal(drawings.isDue(server, ["wide"]), false);
  assert.equal(drawings.newest("dhcp4", ["narrow"]), parts);
});

Deno.test("Drawings lets no foreign text become HTML", async () => {
  const foreign = `<img src=x onerror=alert(1)>"'&`;
  const server = await realServer((window) => ({
    ...window,
    series: window.series.map((series) => ({
      ...series,
      labels: Object.fromEntries(
        Object.entries(series.labels).map(([name, value]) =>
          ["message", "direction", "kind"].includes(name) ? [name, value] : [name, foreign]
        ),
      ),
    })),
  }));
  await using drawings = new Drawings();
  const html = htmlOf(await drawings.draw(server, ["wide"]));
  assert.match(html, /&#60;img src=x/);
  assert.doesNotMatch(html, /<img/);
});

Deno.test("Drawings says why its process ended, and starts it again later", async () => {
  const server = await realServer();
  await withScript(`console.error("no room"); Deno.exit(3);`, async (script) => {
    await using drawings = new Drawings(script);
    assert.equal(await drawings.draw(server, ["wide"]), null);
    assert.equal(drawings.problem, "no room");
    assert.equal(drawings.isDue(server, ["wide"]), false);
  });
});

Deno.test("the drawing process may not read, write, connect or start anything", async () => {
  const server = await realServer();
  const attempts = [
    `Deno.readTextFileSync("/etc/hostname")`,
    `Deno.writeTextFileSync("/tmp/kea-drawing", "")`,
    `await Deno.connect({ port: 1 })`,
    `new Deno.Command("true").outputSync()`,
    `Deno.env.get("HOME")`,
  ];
  for (const attempt of attempts) {
    await withScript(
      `try { ${attempt}; } catch (error) { console.error(error.name); } Deno.exit(1);`,
      async (script) => {
        await using drawings = new Drawings(script);
        await drawings.draw(server, ["wide"]);
        assert.equal(drawings.problem, "NotCapable", attempt);
      },
    );
  }
});
