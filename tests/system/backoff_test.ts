import assert from "node:assert/strict";
import { Backoff } from "../../system/backoff.ts";

Deno.test("Backoff doubles up to a minute, with 50 % jitter, until it works", () => {
  const [least, most] = [new Backoff(() => 0), new Backoff(() => 1)];
  assert.deepEqual([1, 2, 3].map(() => least.next()), [500, 1000, 2000]);
  assert.deepEqual([1, 2, 3].map(() => most.next()), [1000, 2000, 4000]);
  for (let attempt = 0; attempt < 1000; attempt++) most.next();
  assert.equal(most.next(), 60_000);
  most.reset();
  assert.equal(most.next(), 1000);
});
