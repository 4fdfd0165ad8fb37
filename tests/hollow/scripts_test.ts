import assert from "node:assert/strict";
import { join } from "node:path";
import { pathOf } from "../metrics/fixtures/captures.ts";
import { inFolder } from "../system/in_folder.ts";

const ROOT = join(import.meta.dirname!, "..", "..");
const CAPTURE = pathOf("v4");
const [TO_JSON, VIZ, VIZ_JSON] = [
  "hollow/ebpf_to_json.ts",
  "viz/visualize_metrics.ts",
  "hollow/visualize_json_metrics.ts",
];

async function run(script: string, args: readonly string[], input = "") {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", join(ROOT, script), ...args],
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("to-json writes a file or standard output, the same", () =>
  inFolder(async (folder) => {
    const path = join(folder, "metrics.json");
    const written = await run(TO_JSON, [CAPTURE, "-o", path]);
    assert.deepEqual(written, { code: 0, stdout: "", stderr: "" });
    const printed = await run(TO_JSON, ["-"], await Deno.readTextFile(CAPTURE));
    assert.equal(printed.stdout, await Deno.readTextFile(path));
    assert.deepEqual(names(folder), ["metrics.json"]);
    const drawn = await run(VIZ_JSON, [path, "-o", join(folder, "report"), "--png", "--spec"]);
    assert.equal(drawn.code, 0, drawn.stderr);
    const files = names(join(folder, "report"));
    assert.ok(files.includes("report.html"));
    for (const end of [".svg", ".png", ".vl.json"]) {
      assert.ok(files.filter((name) => name.endsWith(end)).length >= 8, `${end}: ${files}`);
    }
    const png = await Deno.readFile(join(folder, "report", "processing-time.png"));
    assert.deepEqual([...png.subarray(1, 4)], [..."PNG"].map((letter) => letter.charCodeAt(0)));
  }));

Deno.test("to-json keeps an output that is there when the input is damaged", () =>
  inFolder(async (folder) => {
    const path = join(folder, "metrics.json");
    await Deno.writeTextFile(path, "before");
    const lines = (await Deno.readTextFile(CAPTURE)).split("\n");
    lines[5] = lines[5]!.replace('"maps":{', '"maps":[');
    const { code, stderr } = await run(TO_JSON, ["-", "-o", path], lines.join("\n"));
    assert.equal(code, 1);
    assert.match(stderr, /^error: Cannot read line 6 of the capture: .*\n$/);
    assert.equal(await Deno.readTextFile(path), "before");
    assert.deepEqual(names(folder), ["metrics.json"]);
  }));

for (const [signal, status] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
  Deno.test(`to-json leaves nothing half-written when ${signal} stops it`, () =>
    inFolder(async (folder) => {
      const path = join(folder, "metrics.json");
      await Deno.writeTextFile(path, "before");
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", join(ROOT, TO_JSON), "-", "-o", path],
        stdin: "piped",
        stdout: "null",
        stderr: "null",
      }).spawn();
      const writer = child.stdin.getWriter();
      await writer.write(await Deno.readFile(CAPTURE));
      // The input goes on, and what is written so far stands beside.
      while (names(folder).length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
      child.kill(signal);
      assert.equal((await child.status).code, status);
      await writer.close().catch(() => {});
      assert.deepEqual(names(folder), ["metrics.json"]);
      assert.equal(await Deno.readTextFile(path), "before");
    }));
}

const REFUSED: readonly (readonly [
  script: string,
  what: string,
  input: string,
  message: RegExp,
])[] = [
  [TO_JSON, "nothing", "", /the input: it is empty/],
  [VIZ, "nothing", "", /it is empty/],
  [VIZ, "what is no JSON", "hello\n", /it is neither a capture nor JSON/],
  [
    VIZ,
    "a capture of another version",
    '{"type":"capture","version":1}\n',
    /version 1: expected version 2/,
  ],
  [VIZ, "a document that breaks the schema", '{"schema":"kea-metrics/1"}', /document: server: /],
  [VIZ, "NaN", '{"schema": NaN}', /it is neither a capture nor JSON/],
  [VIZ_JSON, "a capture", '{"type":"capture","version":1}\n', /it is a capture: use deno task viz/],
];

for (const [script, what, input, message] of REFUSED) {
  Deno.test(`${script} refuses ${what}, in one line, and writes nothing`, () =>
    inFolder(async (folder) => {
      const { code, stdout, stderr } = await run(script, ["-", "-o", join(folder, "out")], input);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, /^error: [^\n]*\n$/);
      assert.match(stderr, message);
      assert.deepEqual(names(folder), []);
    }));
}

for (const script of [TO_JSON, VIZ, VIZ_JSON]) {
  Deno.test(`${script} names a file that is not there, and wants one`, async () => {
    const missing = await run(script, ["/nonexistent/file"]);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /^error: Cannot read ".*file" \(No such file or directory\): /);
    const none = await run(script, []);
    assert.equal(none.code, 2);
    assert.match(none.stderr, /missing (required )?argument/);
  });
}
