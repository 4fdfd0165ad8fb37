import assert from "node:assert/strict";
import { criticalT, tailProbability } from "../../../metrics/comparison/student_t.ts";

/** From the tables in every textbook: two-sided probability, degrees of freedom, t. */
const TABLE = [
  [0.05, 1, 12.7062],
  [0.05, 4, 2.7764],
  [0.05, 10, 2.2281],
  [0.05, 30, 2.0423],
  [0.01, 8, 3.3554],
  [0.001, 6, 5.9588],
  [0.001, 20, 3.8495],
  [0.05, 1e7, 1.96],
] as const;

Deno.test("criticalT() and tailProbability() agree with the tables of Student's distribution", () => {
  for (const [probability, degrees, t] of TABLE) {
    assert.ok(Math.abs(criticalT(probability, degrees) - t) < 6e-5, `${probability} ${degrees}`);
    assert.ok(Math.abs(tailProbability(t, degrees) / probability - 1) < 1e-4);
  }
});

Deno.test("tailProbability() is that of Cauchy's distribution for one degree of freedom", () => {
  for (const t of [0.1, 1, 2.5, 40]) {
    const exact = 1 - 2 * Math.atan(t) / Math.PI;
    assert.ok(Math.abs(tailProbability(t, 1) - exact) < 1e-12, String(t));
  }
  assert.equal(tailProbability(0, 3.7), 1);
  assert.equal(tailProbability(Infinity, 3), 0);
});
