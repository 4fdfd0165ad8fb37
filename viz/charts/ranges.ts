/**
 * Times of many things side by side: statements of the database, callouts of hook libraries.
 *
 * @module
 */

import type { TopLevelSpec } from "vega-lite";
import type { MetricsDocument } from "../../metrics/document.ts";
import type { MetricName } from "../../metrics/metric_names.ts";
import type { Chart } from "./chart.ts";
import {
  durationOf,
  histograms,
  integer,
  maxText,
  nameOf,
  quantileOf,
  quantileOnAxis,
  significant,
  top,
} from "../series.ts";
import { duration } from "../format.ts";
import { shortNames } from "./text_width.ts";
import { COLOURS, timesAxis } from "./theme.ts";

/** The most rows that are readable. */
const MOST_ROWS = 16;

/** Which times, and how the chart names them. */
export interface Ranges {
  readonly id: string;
  readonly metric: MetricName;
  readonly title: string;
  /** What a row is, for the caption: "statement". */
  readonly one: string;
}

/** A row for each thing: p50, p95 and p99 of its time; the one with the most time in all comes first. */
export function percentileRanges(
  document: MetricsDocument,
  { id, metric, title, one }: Ranges,
): Chart | null {
  const all = histograms(document.totals, metric).toSorted((a, b) => timeOf(b) - timeOf(a));
  const { kept, left } = top(all, MOST_ROWS, timeOf);
  if (kept.length === 0) return null;
  const seconds = durationOf(document);
  const perSecond = (count: number) => seconds === null ? "" : significant(count / seconds);
  const rows = kept.map((series) => ({
    name: nameOf(series),
    p50: quantileOnAxis(series, 0.5),
    p95: quantileOnAxis(series, 0.95),
    p99: quantileOnAxis(series, 0.99),
  }));
  const [first] = kept;
  const sum = all.reduce((total, series) => total + timeOf(series), 0);
  return {
    id,
    title,
    caption: `From p50 to p99 of each ${one}, with p95 between. The most time in all is in ` +
      `${nameOf(first!)}: ${duration(timeOf(first!))}, ` +
      `${significant(100 * timeOf(first!) / Math.max(1, sum))} % of the total.` +
      (left.length === 0 ? "" : ` ${left.length} that take less are in the table.`),
    table: {
      columns: [one, "count", "avg/s", "total", "mean", "p50", "p95", "p99", "max"],
      rows: all.map((series) => [
        nameOf(series),
        integer(series.count),
        perSecond(series.count),
        duration(timeOf(series)),
        duration(timeOf(series) / series.count),
        ...[0.5, 0.95, 0.99].map((q) => duration(quantileOf(series, q)?.value ?? 0)),
        maxText(series),
      ]),
    },
    spec: ({ name, width }): TopLevelSpec => {
      const isNarrow = name === "narrow";
      const short = shortNames(rows.map(({ name }) => name), isNarrow ? width - 10 : 330);
      const shown = rows.map((row) => ({ ...row, name: short(row.name) }));
      const domain: [number, number] = [
        Math.min(...rows.map(({ p50 }) => p50)) * 0.85,
        Math.max(...rows.map(({ p99 }) => p99)) * 1.15,
      ];
      const x = timesAxis(domain, { grid: true });
      const y = {
        field: "name",
        type: "nominal" as const,
        sort: shown.map(({ name }) => name),
        title: null,
        // On a phone, names are above their rows.
        axis: isNarrow ? null : { labelLimit: 0, grid: false, domain: false, ticks: false },
      };
      const names = {
        mark: { type: "text" as const, align: "left" as const, dy: -13 },
        encoding: { x: { value: 0 }, y, text: { field: "name", type: "nominal" as const } },
      };
      const points = [["p50", COLOURS.blue], ["p95", COLOURS.orange], [
        "p99",
        COLOURS.red,
      ]] as const;
      return {
        data: { values: shown },
        width,
        autosize: { type: "fit-x", contains: "padding" },
        height: { step: isNarrow ? 42 : 24 },
        layer: [
          ...isNarrow ? [names] : [],
          {
            mark: { type: "rule", strokeWidth: 3, opacity: 0.5, color: COLOURS.grey },
            encoding: { x: { field: "p50", ...x }, x2: { field: "p99" }, y },
          },
          {
            transform: [{ fold: ["p50", "p95", "p99"], as: ["quantile", "value"] }],
            mark: { type: "point", filled: true, size: 60, opacity: 1 },
            encoding: {
              x: { field: "value", ...x },
              y,
              shape: {
                field: "quantile",
                type: "nominal",
                scale: { domain: ["p50", "p95", "p99"], range: ["circle", "square", "diamond"] },
              },
              color: {
                field: "quantile",
                type: "nominal",
                scale: {
                  domain: points.map(([quantile]) => quantile),
                  range: points.map(([, colour]) => colour),
                },
              },
            },
          },
        ],
      };
    },
  };
}

/** Nanoseconds in all; approximate if there are only buckets. */
function timeOf({ sum, buckets }: { sum: number | string | null; buckets: readonly Bucket[] }) {
  if (sum !== null) return Number(sum);
  return buckets.reduce((all, { lower, upper, count }) => all + count * (lower + upper) / 2, 0);
}

interface Bucket {
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
}
