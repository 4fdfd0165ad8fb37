import assert from "node:assert/strict";
import { Gap } from "../../probes/gap.ts";

Deno.test("Gap says what happened and how long it was from the last reading to the next", () => {
  const gap = new Gap();
  assert.equal(gap.wordsAt(1e9), null);
  gap.cause("It did not attach");
  assert.equal(gap.wordsAt(1e9), "It did not attach");
  gap.reading(2e9);
  assert.equal(gap.wordsAt(5e9), null);
  gap.cause("It restarted");
  gap.cause("It restarted again");
  assert.equal(gap.wordsAt(6.6e9), "It restarted; It restarted again: 4.6 s not watched");
});

Deno.test("Gap stays short when a server ends a thousand times", () => {
  const gap = new Gap();
  gap.reading(0);
  for (let times = 1; times <= 1000; times++) gap.cause(`end ${times}`);
  assert.equal(
    gap.wordsAt(1e9),
    "end 1; end 2; end 3; 996 times more; end 1000: 1.0 s not watched",
  );
});
