/**
 * The distributions of one series on both sides of a comparison, on one axis.
 *
 * @module
 */

import type { TopLevelSpec } from "vega-lite";
import type { HistogramSeries } from "../../metrics/document.ts";
import { integer, quantileText } from "../series.ts";
import { duration } from "../format.ts";
import type { Chart } from "./chart.ts";
import { COLOURS, timesAxis } from "./theme.ts";

/** The names of the sides, and their colours. */
const SIDES = ["before", "after"] as const;
const SIDE_COLOURS = [COLOURS.blue, COLOURS.orange];

/** What a chart of two distributions shows. */
export interface TwoDistributions {
  readonly id: string;
  readonly title: string;
  /** What changed, in a sentence. */
  readonly caption: string;
  readonly before: HistogramSeries;
  readonly after: HistogramSeries;
}

/** Both as steps: the share of events by time. */
export function twoDistributions(
  { id, title, caption, before, after }: TwoDistributions,
): Chart {
  const both = { before, after };
  const steps = SIDES.flatMap((side) => stepsOf(both[side]).map((step) => ({ side, ...step })));
  const marks = SIDES.flatMap((side) => {
    const p50 = both[side].quantiles.find(({ q }) => q === 0.5);
    return p50 === undefined ? [] : [{ side, p50: Math.max(1, p50.value) }];
  });
  return {
    id,
    title,
    caption: `${caption} The share of events by time, before and after; dashed: p50.`,
    table: {
      columns: ["", "count", "mean", "p50", "p90", "p95", "p99", "p99.9"],
      rows: SIDES.map((side) => [
        side,
        integer(both[side].count),
        both[side].sum === null ? "" : duration(Number(both[side].sum) / both[side].count),
        ...[0.5, 0.9, 0.95, 0.99, 0.999].map((q) => quantileText(both[side], q)),
      ]),
    },
    spec: ({ width }): TopLevelSpec => {
      const [least, greatest] = [
        Math.min(...steps.map(({ time }) => time)),
        Math.max(...steps.map(({ time }) => time)),
      ];
      const x = timesAxis([least, greatest > least ? greatest : least * 2], { grid: false });
      const color = {
        field: "side",
        type: "nominal" as const,
        scale: { domain: [...SIDES], range: SIDE_COLOURS },
      };
      const y = {
        field: "share",
        type: "quantitative" as const,
        title: null,
        stack: null,
        axis: { format: "%", tickCount: 3 },
      };
      return {
        width,
        autosize: { type: "fit-x", contains: "padding" },
        height: 150,
        data: { values: [...steps, ...marks] },
        layer: [
          {
            transform: [{ filter: "isValid(datum.share)" }],
            mark: { type: "area", interpolate: "step-after", opacity: 0.3 },
            encoding: { x: { field: "time", ...x }, y, color },
          },
          {
            transform: [{ filter: "isValid(datum.share)" }],
            mark: { type: "line", interpolate: "step-after", strokeWidth: 1.4 },
            encoding: { x: { field: "time", ...x }, y, color },
          },
          {
            transform: [{ filter: "isValid(datum.p50)" }],
            mark: { type: "rule", strokeDash: [4, 3], strokeWidth: 1.6 },
            encoding: { x: { field: "p50", ...x }, color },
          },
        ],
      };
    },
  };
}

/** The outline of a histogram: it falls to zero where there is no bucket. */
function stepsOf({ buckets, count }: HistogramSeries): { time: number; share: number }[] {
  const steps: { time: number; share: number }[] = [];
  buckets.forEach(({ lower, upper, count: events }, index) => {
    const [start, end] = [Math.max(1, lower), Math.max(1, upper)];
    const next = buckets[index + 1];
    if (index === 0) steps.push({ time: start, share: 0 });
    steps.push({ time: start, share: events / count });
    if (next === undefined || Math.max(1, next.lower) > end) steps.push({ time: end, share: 0 });
  });
  return steps;
}
