import assert from "node:assert/strict";
import { SharedAnswers } from "../../../export/page/shared_answers.ts";

const text = (stream: ReadableStream<Uint8Array<ArrayBuffer>> | null) =>
  new Response(stream).text();

Deno.test("SharedAnswers makes an answer once for all who ask at the same time", async () => {
  using answers = new SharedAnswers(1);
  let made = 0;
  const make = function* () {
    made++;
    for (let piece = 0; piece < 10; piece++) yield `${piece} `;
  };
  const streams = Array.from({ length: 100 }, () => answers.get("a", make));
  const texts = new Set(await Promise.all(streams.map(text)));
  assert.deepEqual([...texts], ["0 1 2 3 4 5 6 7 8 9 "]);
  assert.equal(made, 1);
  assert.equal(answers.get("b", make), null);
});

Deno.test("SharedAnswers makes an answer as it is read, and a reader that goes does not end that of another", async () => {
  using answers = new SharedAnswers(1);
  let pieces = 0;
  const make = function* () {
    while (pieces < 1000) yield `${++pieces} `;
  };
  const [first, second] = [answers.get("a", make)!, answers.get("a", make)!];
  const reader = first.getReader();
  await reader.read();
  assert.equal(pieces, 1);
  await reader.cancel();
  assert.equal((await text(second)).split(" ").length, 1001);
});

Deno.test("SharedAnswers has room again when an answer is old and has been read", async () => {
  using answers = new SharedAnswers(1);
  const make = () => ["a"];
  const unread = answers.get("a", make)!;
  assert.equal(await text(answers.get("a", make)), "a");
  // The next one for the same is a new one: the first is a second old, and one has not read it.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  assert.equal(answers.get("a", make), null);
  await unread.cancel();
  assert.equal(await text(answers.get("a", make)), "a");
});

Deno.test("SharedAnswers ends all readers of an answer that fails", async () => {
  using answers = new SharedAnswers(1);
  const make = function* () {
    yield "a";
    throw new Error("no more");
  };
  const streams = [answers.get("a", make), answers.get("a", make)];
  for (const stream of streams) await assert.rejects(text(stream), /no more/);
});
