import assert from "node:assert/strict";
import { Viewers } from "../../../export/page/viewers.ts";
import type { Part } from "../../../export/page/view.ts";

const VIEWED = { server: "dhcp4", layouts: ["wide"] } as const;

const part = (id: string, html: string): Part => ({ id, container: "top", html });

/** The data of the next event of this kind. */
async function next(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  kind: string,
): Promise<{ parts: Record<string, string>; order: Record<string, string[]> }> {
  for (;;) {
    const { value } = await reader.read();
    const [, event, data] = /^event: (\w+)\ndata: (.*)\n\n$/.exec(new TextDecoder().decode(value))!;
    if (event === kind) return JSON.parse(data!);
  }
}

Deno.test("a viewer gets all parts first, and then what has changed", async () => {
  using viewers = new Viewers("build");
  const reader = viewers.open(VIEWED, [part("a", "1"), part("b", "1")]).getReader();
  assert.deepEqual((await next(reader, "parts")).parts, { a: "1", b: "1" });
  viewers.show(VIEWED, [part("a", "1"), part("b", "1")]);
  viewers.show(VIEWED, [part("a", "2"), part("b", "1"), part("c", "1")]);
  const { parts, order } = await next(reader, "parts");
  assert.deepEqual(parts, { a: "2", c: "1" });
  assert.deepEqual(order["top"], ["a", "b", "c"]);
  viewers.show(VIEWED, [part("c", "1")]);
  assert.deepEqual((await next(reader, "parts")).order["top"], ["c"]);
  await reader.cancel();
  assert.deepEqual(viewers.viewed, []);
});

Deno.test("a viewer that does not read costs a few events, and gets the newest state at last", async () => {
  using viewers = new Viewers("build");
  const reader = viewers.open(VIEWED, [part("a", "0")]).getReader();
  for (let at = 1; at <= 1000; at++) viewers.show(VIEWED, [part("a", String(at))]);
  const seen: string[] = [];
  while (seen.at(-1) !== "1000") seen.push((await next(reader, "parts")).parts["a"]!);
  assert.ok(seen.length <= 5, seen.join());
  await reader.cancel();
});

Deno.test("viewers of another server are not shown this one", async () => {
  using viewers = new Viewers("build");
  const other = { server: "dhcp6", layouts: ["wide"] } as const;
  const reader = viewers.open(other, [part("a", "6")]).getReader();
  viewers.open(VIEWED, [part("a", "4")]);
  viewers.show(VIEWED, [part("a", "5")]);
  viewers.show(other, [part("a", "7")]);
  assert.deepEqual((await next(reader, "parts")).parts, { a: "6" });
  assert.deepEqual((await next(reader, "parts")).parts, { a: "7" });
  assert.equal(viewers.viewed.length, 2);
  await reader.cancel();
});

Deno.test("a viewer that does not read at all is dropped, and its place is free", async () => {
  using viewers = new Viewers("build", 5);
  const streams = [];
  while (viewers.hasRoom) streams.push(viewers.open(VIEWED, [part("a", "1")]));
  assert.equal(streams.length, 16);
  while (!viewers.hasRoom) await new Promise((resolve) => setTimeout(resolve, 5));
  const reader = streams[0]!.getReader();
  let events = 0;
  while (!(await reader.read()).done) events++;
  assert.ok(events <= 4, `${events} events`);
});

Deno.test("a message is made once for all viewers who saw the same before", async () => {
  using viewers = new Viewers("build");
  const readers = [1, 2, 3].map(() => viewers.open(VIEWED, [part("a", "0")]).getReader());
  viewers.show(VIEWED, [part("a", "1")]);
  viewers.show(VIEWED, [part("a", "2")]);
  const last = await Promise.all(readers.map(async (reader) => {
    await next(reader, "parts");
    await next(reader, "parts");
    return (await reader.read()).value!;
  }));
  assert.match(new TextDecoder().decode(last[0]), /"a":"2"/);
  assert.equal(new Set(last.map(({ buffer }) => buffer)).size, 1);
  for (const reader of readers) await reader.cancel();
});
