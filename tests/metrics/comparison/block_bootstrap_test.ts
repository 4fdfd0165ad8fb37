import assert from "node:assert/strict";
import { BlockBootstrap, blockLengthsFor } from "../../../metrics/comparison/block_bootstrap.ts";
import { criticalT } from "../../../metrics/comparison/student_t.ts";
import { correlated, normal } from "./made_sides.ts";

/** How often the 95 % interval of a mean holds the true one, 0. */
function coverage(windows: number, correlation: number, runs: number): number {
  const next = normal(7);
  let held = 0;
  for (let run = 0; run < runs; run++) {
    const values = Float64Array.from(correlated(windows, correlation, next));
    const mean = values.reduce((sum, value) => sum + value, 0) / windows;
    const reaches = blockLengthsFor(windows).map((length) => {
      const bootstrap = new BlockBootstrap(windows, length, run + 1);
      const means = bootstrap.sums(values).map((sum) =>
        sum / (length * Math.ceil(windows / length))
      );
      return { error: bootstrap.standardError(means), degrees: bootstrap.blocks - 1 };
    });
    const { error, degrees } = reaches.reduce((a, b) => b.error > a.error ? b : a);
    if (Math.abs(mean) <= criticalT(0.05, degrees) * error) held++;
  }
  return held / runs;
}

for (
  const [windows, correlation, least] of [[30, 0, 0.95], [30, 0.5, 0.92], [100, 0.8, 0.88]] as const
) {
  Deno.test(`the interval of ${windows} windows with correlation ${correlation} holds the truth at least ${least} of the time`, () => {
    const held = coverage(windows, correlation, 250);
    assert.ok(held >= least, `${held}`);
  });
}

Deno.test("the standard error of independent windows is that of the textbook", () => {
  const next = normal(3);
  const values = Float64Array.from({ length: 200 }, next);
  const mean = values.reduce((sum, value) => sum + value, 0) / 200;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 199;
  const bootstrap = new BlockBootstrap(200, 1, 5);
  const error = bootstrap.standardError(bootstrap.sums(values).map((sum) => sum / 200));
  assert.ok(Math.abs(error / Math.sqrt(variance / 200) - 1) < 0.06, String(error));
});

Deno.test("the same seed draws the same blocks, and another seed others", () => {
  const values = Float64Array.from({ length: 30 }, (_, index) => index);
  const drawn = (seed: number) => [...new BlockBootstrap(30, 3, seed).sums(values)];
  assert.deepEqual(drawn(1), drawn(1));
  assert.notDeepEqual(drawn(1), drawn(2));
});

Deno.test("blockLengthsFor() is the cube root of the windows, and a fifth of them", () => {
  assert.deepEqual([1, 8, 30, 64, 240].map(blockLengthsFor), [[1, 1], [2, 2], [3, 6], [4, 13], [
    6,
    48,
  ]]);
});
