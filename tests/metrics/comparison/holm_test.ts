import assert from "node:assert/strict";
import { holm } from "../../../metrics/comparison/holm.ts";

Deno.test("holm() corrects as in the method's usual example, in the order of its input", () => {
  const corrected = holm([0.01, 0.04, 0.03, 0.005], 0.05).map(({ p }) => Number(p.toFixed(6)));
  assert.deepEqual(corrected, [0.03, 0.06, 0.06, 0.02]);
});

Deno.test("holm() tests at a level that fits each corrected probability", () => {
  for (const [index, { p, level }] of holm([0.01, 0.04, 0.03, 0.005], 0.05).entries()) {
    assert.equal([0.01, 0.04, 0.03, 0.005][index]! <= level, p <= 0.05);
  }
  assert.deepEqual(holm([0.9, 0.8], 0.05).map(({ p }) => p), [1, 1]);
  assert.deepEqual(holm([], 0.05), []);
});
