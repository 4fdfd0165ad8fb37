/**
 * A packet's mean time, one bar per message, split into parts: stages, or what its thread did.
 *
 * @module
 */

import type { TopLevelSpec } from "vega-lite";
import type { HistogramSeries, MetricsDocument } from "../../metrics/document.ts";
import type { MetricName } from "../../metrics/metric_names.ts";
import { printable } from "../../system/printable.ts";
import { duration } from "../format.ts";
import { histograms, integer, significant, top } from "../series.ts";
import type { Chart } from "./chart.ts";
import { shortNames } from "./text_width.ts";
import { COLOURS, MOST_SERIES, SERIES_COLOURS, TIME_LABELS } from "./theme.ts";

/** Which metric is split, and how. */
export interface PartsOfTime {
  readonly id: string;
  readonly title: string;
  readonly metric: MetricName;
  /** The label that names the part. */
  readonly label: "stage" | "cause";
  /** The position of a part in its bar. */
  readonly place: (name: string) => number;
  /** The packets of a message, from the counts of its parts. */
  readonly packetsOf: (counts: ReadonlyMap<string, number>) => number;
  /** The caption, up to the longest part. */
  readonly words: string;
}

/** Width of a part's name with its colour, pixels. */
const LEGEND_WIDTH = 90;

/**
 * The chart. A part's mean is over all packets of the message, also those without the part, so that the parts
 * add up to the bar.
 */
export function partsOfTime(
  { totals }: MetricsDocument,
  { id, title, metric, label, place, packetsOf, words }: PartsOfTime,
): Chart | null {
  const found = histograms(totals, metric).filter(({ sum }) => sum !== null);
  if (found.length === 0) return null;
  const partOf = ({ labels }: HistogramSeries) => printable(labels[label] ?? "");
  const messages = [...new Set(found.map(messageOf))];
  const { kept } = top(
    messages,
    MOST_SERIES,
    (message) =>
      Math.max(...found.filter((each) => messageOf(each) === message).map((e) => e.count)),
  );
  const names = [...new Set(found.map(partOf))].toSorted((a, b) => place(a) - place(b));
  const rows = kept.flatMap((message) => {
    const parts = found.filter((each) => messageOf(each) === message)
      .toSorted((a, b) => place(partOf(a)) - place(partOf(b)));
    const packets = packetsOf(new Map(parts.map((part) => [partOf(part), part.count])));
    let end = 0;
    return parts.map((series) => {
      const start = end;
      const mean = Number(series.sum) / packets;
      end += mean;
      return { message, part: partOf(series), start, end, mean, series };
    });
  });
  const total = (message: string) =>
    rows.filter((row) => row.message === message).reduce((sum, { mean }) => sum + mean, 0);
  const longestBar = Math.max(...rows.map(({ end }) => end));
  const longest = rows.reduce((a, b) => b.mean > a.mean ? b : a);
  return {
    id,
    title,
    caption: `${words} The longest is ` +
      `${longest.part} of ${longest.message}: ${duration(longest.mean)} of ` +
      `${duration(total(longest.message))}, ` +
      `${significant(100 * longest.mean / total(longest.message))} %.`,
    table: {
      columns: ["message", label, "count", "mean of those", "of all packets", "share"],
      rows: rows.map(({ message, part, series, mean }) => [
        message,
        part,
        integer(series.count),
        duration(Number(series.sum) / series.count),
        duration(mean),
        `${significant(100 * mean / total(message))} %`,
      ]),
    },
    spec: ({ width }): TopLevelSpec => {
      const short = shortNames(kept, width > 400 ? 300 : 130);
      const part = shortNames(names, LEGEND_WIDTH);
      const messages = kept.map(short);
      const parts = names.map(part);
      return {
        width,
        autosize: { type: "fit-x", contains: "padding" },
        height: { step: 34 },
        data: {
          values: rows.map(({ series: _, part: name, ...row }) => ({
            ...row,
            message: short(row.message),
            [label]: part(name),
          })),
        },
        layer: [
          {
            mark: { type: "bar" },
            encoding: {
              x: {
                field: "start",
                type: "quantitative",
                title: null,
                // Room for the number after the longest bar.
                scale: {
                  domainMax: longestBar * (width > 700 ? 1.09 : width > 400 ? 1.18 : 1.35),
                  nice: false,
                },
                axis: { labelExpr: TIME_LABELS, tickCount: width > 400 ? 6 : 3 },
              },
              x2: { field: "end" },
              y: {
                field: "message",
                type: "nominal",
                sort: messages,
                title: null,
                axis: { labelLimit: 0 },
              },
              color: {
                field: label,
                type: "nominal",
                sort: parts,
                scale: {
                  domain: parts,
                  range: [...SERIES_COLOURS, COLOURS.brown].slice(0, parts.length),
                },
                legend: { columns: Math.max(1, Math.floor(width / LEGEND_WIDTH)) },
              },
            },
          },
          {
            transform: [{
              aggregate: [{ op: "max", field: "end", as: "whole" }],
              groupby: ["message"],
            }, {
              calculate: `${
                TIME_LABELS.replaceAll("datum.value", "datum.whole").replaceAll("~g", ".3~g")
              }`,
              as: "text",
            }],
            mark: { type: "text", align: "left", dx: 5 },
            encoding: {
              x: { field: "whole", type: "quantitative" },
              y: { field: "message", type: "nominal", sort: messages },
              text: { field: "text", type: "nominal" },
            },
          },
        ],
      };
    },
  };
}

const messageOf = ({ labels }: HistogramSeries) => printable(labels["message"] ?? "");
