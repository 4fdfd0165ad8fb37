import assert from "node:assert/strict";
import type { HistogramSeries } from "../../../metrics/document.ts";
import { axisOf, histogramBar, sparkline } from "../../../viz/live/sparkline.ts";

function histogram(...buckets: [lower: number, upper: number, count: number][]): HistogramSeries {
  return {
    ...{ metric: "packet_processing_time", family: 4, labels: {}, unit: "ns", kind: "histogram" },
    ...{ count: 1, sum: 1, min: 1, max: 1, exact: false, quantiles: [] },
    buckets: buckets.map(([lower, upper, count]) => ({ lower, upper, count })),
  };
}

Deno.test("sparkline() draws the greatest full, the least visible, nothing empty", () => {
  assert.equal(sparkline([0, 1, 500, 1000], 1000, true), " \u2581\u2584\u2588");
  assert.equal(sparkline([0, 1, 500, 1000], 1000, false), " .=@");
  assert.equal(sparkline([0, 0], 0, true), "  ");
  assert.equal(sparkline([NaN], 1, true), " ");
});

Deno.test("histogramBar() places a histogram on a logarithmic axis", () => {
  const all = [histogram([1000, 1100, 5], [900_000, 1_000_000, 10])];
  const axis = axisOf(all);
  assert.deepEqual(axis, { least: 1000, greatest: 1_000_000 });
  const line = histogramBar(all[0]!, axis, 12, true);
  assert.equal([...line].length, 12);
  assert.match(line, /^\u2584 {10}\u2588$/);
});

Deno.test("histogramBar() draws one bucket that fills the axis", () => {
  const one = histogram([8, 9, 1]);
  assert.equal(histogramBar(one, axisOf([one]), 4, true), "\u2588\u2588\u2588\u2588");
});
