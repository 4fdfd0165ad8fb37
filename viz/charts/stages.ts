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
import { greatest, histograms, three, whole } from "../series.ts";
import { duration } from "../format.ts";
import { shortNames } from "./text_width.ts";
import { COLOURS, MOST_SERIES, SERIES_COLOURS, TIME_LABELS } from "./theme.ts";

/**
 * A packet has just one of these. With its allocation known it has `select` in the deep profile and
 * `before` in the standard one. `other` is the rest of the deep profile: a packet without an
 * allocation beside its `queue`, `parse`, `pack` and `send`, or alone one that a hook parked. The
 * standard profile tells no stage of those two, so no packet in the chart.
 */
const ONE_A_PACKET = ["select", "before", "other"];

/** A stage's name with its colour, pixels. */
const LEGEND_WIDTH = 90;

/**
 * The mean time of a packet, a bar for each message, cut in stages: each has its sum over all packets
 * of that message, also over those that have not been in it, so that the parts are of one whole.
 */
export function stages({ totals }: MetricsDocument): Chart | null {
  const found = histograms(totals, "packet_stage_time").filter(({ sum }) => sum !== null);
  if (found.length === 0) return null;
  const messages = [...new Set(found.map(messageOf))];
  const { kept } = greatest(
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
    sentence:
      "The mean time of a packet whose stages are known, cut in them; one that has not been in a stage " +
      "took no time there. Most of all takes " +
      `${longest.stage} of ${longest.message}: ${duration(longest.mean)} of ` +
      `${duration(total(longest.message))}, ` +
      `${three(100 * longest.mean / total(longest.message))} %.`,
    table: {
      columns: ["message", "stage", "count", "mean of those", "of all packets", "share"],
      rows: rows.map(({ message, stage, series, mean }) => [
        message,
        stage,
        whole(series.count),
        duration(Number(series.sum) / series.count),
        duration(mean),
        `${three(100 * mean / total(message))} %`,
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
                // Room for the number behind the longest bar.
                scale: { domainMax: longestBar * (width > 400 ? 1.09 : 1.35), nice: false },
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

/** The packets of a message, and never fewer than one of its stages has. */
function packetsOf(stages: readonly HistogramSeries[]): number {
  const all = stages.filter((series) => ONE_A_PACKET.includes(stageOf(series)))
    .reduce((sum, { count }) => sum + count, 0);
  return Math.max(all, ...stages.map(({ count }) => count));
}
