/**
 * Packets received, sent and lost, on one time axis.
 *
 * @module
 */

import type { TopLevelSpec } from "vega-lite";
import type { MetricsDocument, Series } from "../../metrics/document.ts";
import type { Chart } from "./chart.ts";
import { printable } from "../../system/printable.ts";
import {
  clockOf,
  counters,
  drawnEnds,
  errorsOf,
  integer,
  secondsOf,
  significant,
  trafficOf,
} from "../series.ts";
import { size } from "../format.ts";
import { COLOURS, timeAxis } from "./theme.ts";
import { linePoints, linesSpec } from "./lines.ts";

/** Kinds of error that are packets without an answer. */
const LOSSES = [
  ["unanswered", "unanswered", COLOURS.red],
  ["kernel_drop", "dropped by the kernel", COLOURS.purple],
] as const;

/** Packets per second by direction; a second panel with losses, if there are any. */
export function traffic(document: MetricsDocument): Chart | null {
  const totals = counters(document.totals, "network_traffic", "packets");
  // Received first: the same colour in every run.
  const names = [...new Set(totals.map(directionOf))].toSorted();
  if (names.length === 0) return null;
  const clock = clockOf(document.windows);
  const points = linePoints(
    document,
    names,
    (window, name) => packets(window.series, name) / secondsOf(window),
  );
  const ends = drawnEnds(document.windows);
  const losses = document.windows.flatMap((window) =>
    LOSSES.map(([kind, name]) => ({
      time: window.start,
      end: ends.get(window.start)!,
      loss: name,
      value: errorsOf(window.series, kind) / secondsOf(window),
    }))
  ).filter(({ value }) => value > 0);
  const seen = LOSSES.filter(([, name]) => losses.some(({ loss }) => loss === name));
  const most = (name: string) =>
    Math.max(0, ...points.filter((point) => point.name === name).map(({ value }) => value ?? 0));
  const all = LOSSES.map(([kind, name]) => ({ name, count: errorsOf(document.totals, kind) }));
  const found = all.filter(({ count }) => count > 0)
    .map(({ name, count }) => `${integer(count)} ${name}`);
  return {
    id: "traffic",
    title: "Traffic and losses",
    caption: `DHCP packets per second; at most ${
      names.map((name) => `${significant(most(name))} ${name}`).join(", ")
    }. ${found.length === 0 ? "None was lost." : `Lost: ${found.join(", ")}.`}`,
    table: {
      columns: ["UTC", ...names.map((name) => `${name} per s`), ...LOSSES.map(([, name]) => name)],
      rows: [
        ...document.windows.map((window) => [
          clock(window.start),
          ...names.map((name) => significant(packets(window.series, name) / secondsOf(window))),
          ...LOSSES.map(([kind]) => integer(errorsOf(window.series, kind))),
        ]),
        [
          "all",
          ...names.map((name) =>
            `${integer(packets(document.totals, name))}, ${
              size(trafficOf(document.totals, "bytes", name))
            }`
          ),
          ...LOSSES.map(([kind]) => integer(errorsOf(document.totals, kind))),
        ],
      ],
    },
    spec: (layout): TopLevelSpec => {
      const lines = linesSpec(document, points, names, layout, {
        title: "packets/s",
        format: "~s",
        dashed: names.slice(1),
      });
      if (losses.length === 0) return lines;
      return {
        spacing: 12,
        vconcat: [
          lines,
          {
            data: { values: losses },
            width: lines.width,
            height: 70,
            mark: { type: "bar" },
            encoding: {
              x: timeAxis(layout.ticks, document.windows),
              x2: { field: "end" },
              y: {
                field: "value",
                type: "quantitative",
                aggregate: "sum",
                title: "lost/s",
                axis: { tickCount: 3, format: "~s" },
              },
              color: {
                field: "loss",
                type: "nominal",
                scale: {
                  domain: seen.map(([, name]) => name),
                  range: seen.map(([, , colour]) => colour),
                },
              },
            },
          },
        ],
        resolve: { scale: { color: "independent" } },
      };
    },
  };
}

const directionOf = ({ labels }: Series) => printable(labels["direction"] ?? "");

function packets(series: readonly Series[], direction: string): number {
  return trafficOf(series, "packets", direction);
}
