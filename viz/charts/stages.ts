/**
 * Where a packet's time goes, by stage.
 *
 * @module
 */

import type { TopLevelSpec } from "vega-lite";
import type { HistogramSeries, MetricsDocument } from "../../metrics/document.ts";
import type { Chart } from "./chart.ts";
import { stagePlace } from "../../metrics/stages.ts";
import { printable } from "../../system/printable.ts";
import { histograms, integer, significant, top } from "../series.ts";
import { duration } from "../format.ts";
import { shortNames } from "./text_width.ts";
import { COLOURS, MOST_SERIES, SERIES_COLOURS, TIME_LABELS } from "./theme.ts";

/**
 * Each packet has exactly one of these. A packet with a known allocation has `select` in the `deep`
 * profile and `before` in `standard`. In `deep`, a packet without an allocation has `other` beside its
 * `queue`, `parse`, `pack` and `send`, and a packet that a hook parked has only `other`. `standard` has no
 * stages for those two, so they are not in the chart.
 */
const ONCE_PER_PACKET = ["select", "before", "other"];

/** Width of a stage's name with its colour, pixels. */
const LEGEND_WIDTH = 90;

/**
 * The mean time of a packet, one bar per message, split into stages. A stage's mean is over all packets
 * of the message, also those that skipped the stage, so that the stages add up to the bar.
 */
export function stages({ totals }: MetricsDocument): Chart | null {
  const found = histograms(totals, "packet_stage_time").filter(({ sum }) => sum !== null);
  if (found.length === 0) return null;
  const messages = [...new Set(found.map(messageOf))];
  const { kept } = top(
    messages,
    MOST_SERIES,
    (message) =>
      Math.max(...found.filter((each) => messageOf(each) === message).map((e) => e.count)),
  );
  const names = [...new Set(found.map(stageOf))].toSorted((a, b) => stagePlace(a) - stagePlace(b));
  const rows = kept.flatMap((message) => {
    const parts = found.filter((each) => messageOf(each) === message)
      .toSorted((a, b) => stagePlace(stageOf(a)) - stagePlace(stageOf(b)));
    const packets = packetsOf(parts);
    let end = 0;
    return parts.map((series) => {
      const start = end;
      const mean = Number(series.sum) / packets;
      end += mean;
      return { message, stage: stageOf(series), start, end, mean, series };
    });
  });
  const total = (message: string) =>
    rows.filter((row) => row.message === message).reduce((sum, { mean }) => sum + mean, 0);
  const longestBar = Math.max(...rows.map(({ end }) => end));
  const longest = rows.reduce((a, b) => b.mean > a.mean ? b : a);
  return {
    id: "stages",
    title: "Where the time goes",
    caption:
      "The mean time of a packet whose stages are known, split into stages; a skipped stage counts as " +
      "zero. The longest is " +
      `${longest.stage} of ${longest.message}: ${duration(longest.mean)} of ` +
      `${duration(total(longest.message))}, ` +
      `${significant(100 * longest.mean / total(longest.message))} %.`,
    table: {
      columns: ["message", "stage", "count", "mean of those", "of all packets", "share"],
      rows: rows.map(({ message, stage, series, mean }) => [
        message,
        stage,
        integer(series.count),
        duration(Number(series.sum) / series.count),
        duration(mean),
        `${significant(100 * mean / total(message))} %`,
      ]),
    },
    spec: ({ width }): TopLevelSpec => {
      const short = shortNames(kept, width > 400 ? 300 : 130);
      const stage = shortNames(names, LEGEND_WIDTH);
      const messages = kept.map(short);
      const stages = names.map(stage);
      return {
        width,
        autosize: { type: "fit-x", contains: "padding" },
        height: { step: 34 },
        data: {
          values: rows.map(({ series: _, ...row }) => ({
            ...row,
            message: short(row.message),
            stage: stage(row.stage),
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
                field: "stage",
                type: "nominal",
                sort: stages,
                scale: {
                  domain: stages,
                  range: [...SERIES_COLOURS, COLOURS.brown].slice(0, stages.length),
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
const stageOf = ({ labels }: HistogramSeries) => printable(labels["stage"] ?? "");

/** The packets of a message: at least as many as any of its stages has. */
function packetsOf(stages: readonly HistogramSeries[]): number {
  const all = stages.filter((series) => ONCE_PER_PACKET.includes(stageOf(series)))
    .reduce((sum, { count }) => sum + count, 0);
  return Math.max(all, ...stages.map(({ count }) => count));
}
