/**
 * The distribution of processing times over the whole run, by message.
 *
 * @module
 */

import type { TopLevelSpec } from "vega-lite";
import type { HistogramSeries, MetricsDocument } from "../../metrics/document.ts";
import type { Chart } from "./chart.ts";
import {
  histograms,
  integer,
  maxText,
  nameOf,
  quantileOf,
  quantileOnAxis,
  quantileText,
  significant,
  top,
} from "../series.ts";
import { duration } from "../format.ts";
import { BOLD, shortNames } from "./text_width.ts";
import { COLOURS, HEADER_SIZE, MOST_SERIES, PANEL_HEADER, timesAxis } from "./theme.ts";

/** A panel for each message and its answer, with its percentiles marked. */
export function distribution({ totals }: MetricsDocument): Chart | null {
  const all = histograms(totals, "packet_processing_time");
  const { kept, left } = top(all, MOST_SERIES, ({ count }) => count);
  if (kept.length === 0) return null;
  const names = kept.map(nameOf);
  const bars = kept.flatMap((series) =>
    series.buckets.map(({ lower, upper, count }) => ({
      series: nameOf(series),
      lower: Math.max(1, lower),
      upper: Math.max(1, upper),
      share: count / series.count,
    }))
  );
  const marks = kept.flatMap((series) => {
    const [p50, p99] = [quantileOnAxis(series, 0.5), quantileOnAxis(series, 0.99)];
    return [{ series: nameOf(series), p50, p99 }];
  });
  const widest = kept.toSorted((a, b) => spread(b) - spread(a))[0]!;
  return {
    id: "distribution",
    title: "Distribution of processing time",
    caption:
      "The share of packets by processing time, in the buckets of the measurement. The widest " +
      `is ${nameOf(widest)}: its p99 is ${significant(spread(widest))} times its p50.` +
      (left.length === 0 ? "" : ` ${left.length} rarer kinds are not drawn.`),
    table: {
      columns: ["of", "count", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"],
      rows: all.map((series) => [
        nameOf(series),
        integer(series.count),
        series.sum === null ? "" : duration(Number(series.sum) / series.count),
        ...[0.5, 0.9, 0.95, 0.99, 0.999].map((q) => quantileText(series, q)),
        maxText(series),
      ]),
    },
    spec: ({ width }): TopLevelSpec => {
      const short = shortNames(names, (width - 60) / BOLD, HEADER_SIZE);
      const domain: [number, number] = [
        Math.min(...bars.map(({ lower }) => lower)),
        Math.max(...bars.map(({ upper }) => upper)),
      ];
      const x = timesAxis(domain, { grid: false });
      // Labels that would overlap become one.
      const near = (domain[1] / domain[0]) ** (30 / (width - 60));
      const named = marks.flatMap(({ series, p50, p99 }) =>
        p99 / p50 < near
          ? [{ series, name: "p50, p99", value: p50 }, { series, name: "", value: p99 }]
          : [{ series, name: "p50", value: p50 }, { series, name: "p99", value: p99 }]
      );
      return {
        data: {
          values: [...bars, ...named].map((each) => ({ ...each, series: short(each.series) })),
        },
        facet: {
          row: { field: "series", type: "nominal", sort: names.map(short), header: PANEL_HEADER },
        },
        spacing: 14,
        spec: {
          width: width - 60,
          height: names.length > 3 ? 70 : 110,
          layer: [
            {
              transform: [{ filter: "isValid(datum.share)" }],
              mark: { type: "rect", color: COLOURS.sky },
              encoding: {
                x: { field: "lower", ...x },
                x2: { field: "upper" },
                y: {
                  field: "share",
                  type: "quantitative",
                  title: null,
                  axis: { format: "%", tickCount: 3 },
                },
                y2: { datum: 0 },
              },
            },
            {
              transform: [{ filter: "isValid(datum.name)" }],
              mark: { type: "rule", color: COLOURS.red, strokeDash: [3, 3] },
              encoding: { x: { field: "value", ...x } },
            },
            {
              transform: [{ filter: "isValid(datum.name)" }],
              mark: { type: "text", align: "left", dx: 4, baseline: "top", fontWeight: "bold" },
              encoding: {
                x: { field: "value", ...x },
                y: { value: 2 },
                text: { field: "name", type: "nominal" },
              },
            },
          ],
        },
      };
    },
  };
}

function spread(series: HistogramSeries): number {
  return (quantileOf(series, 0.99)?.value ?? 0) / quantileOnAxis(series, 0.5);
}
