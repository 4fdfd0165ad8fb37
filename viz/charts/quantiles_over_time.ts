/**
 * Percentiles over time, with the bounds of their buckets.
 *
 * @module
 */

import type { TopLevelSpec } from "vega-lite";
import type { HistogramSeries, MetricsDocument } from "../../metrics/document.ts";
import type { MetricName } from "../../metrics/metric_names.ts";
import type { Chart } from "./chart.ts";
import {
  clockOf,
  gapBefore,
  histograms,
  integer,
  isOfShortStretch,
  middleOf,
  nameOf,
  quantileOf,
  quantileOnAxis,
  top,
} from "../series.ts";
import { duration } from "../format.ts";
import { BOLD, shortNames } from "./text_width.ts";
import { COLOURS, HEADER_SIZE, MOST_SERIES, PANEL_HEADER, timeAxis, timesAxis } from "./theme.ts";

/** The percentiles that are drawn, with colour and dash. */
const DRAWN = [
  { q: 0.99, name: "p99", colour: COLOURS.red, dash: [1, 0] },
  { q: 0.95, name: "p95", colour: COLOURS.orange, dash: [6, 3] },
  { q: 0.5, name: "p50", colour: COLOURS.blue, dash: [2, 3] },
] as const;

/** Which times, and how the chart names them. */
export interface QuantilesOverTime {
  readonly id: string;
  readonly metric: MetricName;
  readonly title: string;
  /** What the times measure, for the caption: "From its arrival to its answer". */
  readonly words: string;
  /** What the document covers, for the caption. */
  readonly period: string;
}

/** Draws p50, p95 and p99 of a metric, a panel for each of its series. */
export function quantilesOverTime(
  document: MetricsDocument,
  { id, metric, title, words, period }: QuantilesOverTime,
): Chart | null {
  const all = histograms(document.totals, metric);
  const { kept, left } = top(all, MOST_SERIES, ({ count }) => count);
  const names = kept.map(nameOf);
  const panel = names.length > 3 ? 90 : names.length > 1 ? 120 : 190;
  const domain = domainOf(document, metric);
  // Labels of percentiles are at least a line of text apart.
  const rows = pointsOf(document, metric, names, (domain[1] / domain[0]) ** (13 / panel));
  const points = rows.filter(({ value }) => value !== null);
  if (points.length === 0) return null;
  const slowest = kept.toSorted((a, b) => p99(b) - p99(a))[0]!;
  const others = left.length === 0 ? "" : ` ${left.length} rarer kinds are left out.`;
  return {
    id,
    title,
    caption:
      `${words}. Half of them took less than p50, one in a hundred longer than p99; the shade ` +
      `is the uncertainty of the measurement. Slowest is ${nameOf(slowest)}, p99 ` +
      `${duration(p99(slowest))} over ${period}.${others}`,
    table: tableOf(document, metric, names),
    spec: ({ width, ticks }): TopLevelSpec => {
      const short = shortNames(names, (width - 86) / BOLD, HEADER_SIZE);
      const y = timesAxis(domain);
      return {
        data: { values: rows.map((row) => ({ ...row, series: short(row.series) })) },
        facet: {
          row: { field: "series", type: "nominal", sort: names.map(short), header: PANEL_HEADER },
        },
        spacing: 14,
        spec: {
          width: width - 86,
          height: panel,
          encoding: {
            x: timeAxis(ticks, document.windows),
            color: {
              field: "quantile",
              type: "nominal",
              scale: { domain: DRAWN.map(({ name }) => name), range: DRAWN.map((d) => d.colour) },
              legend: null,
            },
          },
          layer: [
            {
              mark: { type: "area", opacity: 0.18, interpolate: "linear" },
              encoding: {
                y: { field: "lower", ...y },
                y2: { field: "upper" },
              },
            },
            {
              mark: { type: "line", interpolate: "linear" },
              encoding: {
                y: { field: "value", ...y },
                strokeDash: {
                  field: "quantile",
                  type: "nominal",
                  scale: {
                    domain: DRAWN.map(({ name }) => name),
                    range: DRAWN.map(({ dash }) => [...dash]),
                  },
                  legend: null,
                },
              },
            },
            {
              // A line of one point is not visible.
              transform: [{ filter: "datum.alone" }],
              mark: { type: "point", filled: true, size: 22 },
              encoding: { y: { field: "value", ...y } },
            },
            {
              transform: [{ filter: "datum.last" }],
              mark: { type: "text", align: "left", dx: 5, fontSize: 11, fontWeight: "bold" },
              encoding: {
                y: { field: "label", type: "quantitative", scale: { type: "log" } },
                text: { field: "quantile", type: "nominal" },
              },
            },
          ],
        },
      };
    },
  };
}

/** The ends of the axis: room around the lines, and always room for a tick. */
function domainOf({ windows }: MetricsDocument, metric: MetricName): [number, number] {
  const drawn = windows.flatMap(({ series }) => histograms(series, metric)).flatMap((each) =>
    DRAWN.flatMap(({ q }) => {
      const found = quantileOf(each, q);
      return found === null ? [] : [Math.max(1, found.lower), Math.max(1, found.upper)];
    })
  );
  const least = drawn.reduce((a, b) => Math.min(a, b), Infinity);
  const most = drawn.reduce((a, b) => Math.max(a, b), 1);
  const room = most / least < 4 ? 2 : 1.15;
  return [least / room, most * room];
}

interface Point {
  readonly time: string;
  readonly series: string;
  readonly quantile: string;
  readonly value: number | null;
  readonly lower: number | null;
  readonly upper: number | null;
  readonly alone: boolean;
  readonly last: boolean;
  /** Where the label of the percentile is, away from its neighbours. */
  readonly label: number | null;
}

function pointsOf(
  { windows }: MetricsDocument,
  metric: MetricName,
  names: readonly string[],
  step: number,
): Point[] {
  const isShort = isOfShortStretch(windows);
  return names.flatMap((series) => {
    const found = windows.map((window) =>
      histograms(window.series, metric).find((each) => nameOf(each) === series) ?? null
    );
    const lastIndex = found.findLastIndex((each) => each !== null);
    return windows.flatMap((window, index) => {
      const time = middleOf(window);
      const histogram = found[index]!;
      const isAlone = isShort[index]! ||
        (found[index - 1] ?? null) === null && (found[index + 1] ?? null) === null;
      const labels = index === lastIndex ? apart(histogram!, step) : [];
      const points = DRAWN.map(({ q, name }, order): Point => {
        const { value, lower, upper } = (histogram && quantileOf(histogram, q)) ??
          { value: null, lower: null, upper: null };
        return {
          ...{ time, series, quantile: name, value: value === null ? null : Math.max(1, value) },
          ...{ lower: lower === null ? null : Math.max(1, lower), upper },
          ...{ alone: isAlone && value !== null, last: index === lastIndex },
          label: labels[order] ?? null,
        };
      });
      if (!gapBefore(windows, index)) return points;
      const gap = { value: null, lower: null, upper: null, alone: false, last: false, label: null };
      const at = new Date(Date.parse(window.start) - 1).toISOString();
      return [...points.map((point) => ({ ...point, ...gap, time: at })), ...points];
    });
  });
}

/** Positions of three labels, greatest first, at least a step apart on the axis. */
function apart(histogram: HistogramSeries, step: number): number[] {
  const places: number[] = [];
  for (const { q } of DRAWN) {
    places.push(Math.min(quantileOnAxis(histogram, q), (places.at(-1) ?? Infinity) / step));
  }
  return places;
}

function p99(histogram: HistogramSeries): number {
  return quantileOf(histogram, 0.99)?.value ?? 0;
}

function tableOf({ windows }: MetricsDocument, metric: MetricName, names: readonly string[]) {
  const clock = clockOf(windows);
  const rows = windows.flatMap((window) =>
    histograms(window.series, metric).filter((each) => names.includes(nameOf(each))).map((each) => [
      clock(window.start),
      nameOf(each),
      integer(each.count),
      ...[0.5, 0.95, 0.99].map((q) => {
        const found = quantileOf(each, q);
        return found === null ? "" : `${duration(found.lower)}\u2013${duration(found.upper)}`;
      }),
    ])
  );
  return { columns: ["UTC", "of", "count", "p50", "p95", "p99"], rows };
}
