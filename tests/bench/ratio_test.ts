import assert from "node:assert/strict";
import { estimate, median } from "../../bench/ratio.ts";

Deno.test("median() takes the middle, and the mean of the two middle ones", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
});

Deno.test("estimate() gives the same interval for the same values, around their median", () => {
  const values = [1.0, 1.02, 1.05, 0.98, 1.1, 1.03, 1.01];
  const first = estimate(values);
  assert.deepEqual(estimate(values), first);
  assert.equal(first.median, 1.02);
  assert.ok(first.lower <= first.median && first.median <= first.upper);
  assert.ok(first.lower >= 0.98 && first.upper <= 1.1);
});

Deno.test("estimate() refuses no values", () => {
  assert.throws(() => estimate([]), RangeError);
});
