/**
 * All proven changes of times, with their bounds.
 *
 * @module
 */

import type { TopLevelSpec } from "vega-lite";
import type { Comparison } from "../../metrics/comparison/comparison.ts";
import { boundsText, changeText, isChanged, seriesName, valueText } from "../comparison_words.ts";
import type { Chart } from "./chart.ts";
import { shortNames } from "./text_width.ts";
import { COLOURS, INK } from "./theme.ts";

/** The most rows that are readable. */
const MOST_ROWS = 18;

const KINDS = ["more time", "less time", "more often", "less often"] as const;
const KIND_COLOURS = [COLOURS.red, COLOURS.green, COLOURS.purple, COLOURS.sky];

/** A row for each changed figure: the change as a point, its bounds as a bar; null if nothing changed. */
export function changes({ series }: Comparison): Chart | null {
  const all = series.filter(isChanged).flatMap((each) =>
    each.statistics.filter(({ verdict }) => verdict === "up" || verdict === "down")
      .map((statistic) => ({ series: each, statistic }))
  );
  if (all.length === 0) return null;
  // A change from nothing has no ratio, and so no place on the axis.
  const drawn = all.filter(({ statistic }) => statistic.change !== null && statistic.change > -1)
    .slice(0, MOST_ROWS);
  const rows = drawn.map(({ series, statistic }) => {
    const { change, lower, upper, verdict } = statistic;
    const isRate = statistic.statistic === "rate";
    return {
      name: `${series.metric} ${seriesName(series)}, ${statistic.statistic}`,
      change: 1 + change!,
      lower: Math.max(0.01, 1 + (lower ?? change!)),
      upper: 1 + (upper ?? change!),
      kind: KINDS[(isRate ? 2 : 0) + (verdict === "up" ? 0 : 1)]!,
    };
  });
  if (rows.length === 0) return null;
  return {
    id: "changes",
    title: "What changed",
    caption:
      "After in relation to before, with the bounds of the change. Everything to the right of the line " +
      "became slower or more." +
      (all.length > rows.length ? ` ${all.length - rows.length} more are in the table.` : ""),
    table: {
      columns: ["series", "figure", "before", "after", "change", "bounds"],
      rows: all.map(({ series, statistic }) => [
        `${series.metric} ${seriesName(series)}`,
        statistic.statistic,
        valueText(statistic, series, statistic.before),
        valueText(statistic, series, statistic.after),
        changeText(statistic.change),
        boundsText(statistic),
      ]),
    },
    spec: ({ name, width }): TopLevelSpec => {
      const isNarrow = name === "narrow";
      const short = shortNames(rows.map(({ name }) => name), isNarrow ? width - 10 : 430);
      const shown = rows.map((row) => ({ ...row, name: short(row.name) }));
      const ends = shown.flatMap(({ lower, upper }) => [lower, upper]);
      const domain = [Math.min(0.9, ...ends) * 0.95, Math.max(1.1, ...ends) * 1.05];
      const x = {
        type: "quantitative" as const,
        title: null,
        scale: { type: "log" as const, domain, nice: false },
        axis: {
          values: ticksIn(domain[0]!, domain[1]!),
          labelExpr: "(datum.value > 1 ? '+' : '') + format(100 * (datum.value - 1), '.0f') + ' %'",
          grid: true,
        },
      };
      const y = {
        field: "name",
        type: "nominal" as const,
        sort: shown.map(({ name }) => name),
        title: null,
        axis: isNarrow ? null : { labelLimit: 0, grid: false, domain: false, ticks: false },
      };
      const kinds = KINDS.filter((kind) => shown.some((row) => row.kind === kind));
      const color = {
        field: "kind",
        type: "nominal" as const,
        scale: { domain: kinds, range: kinds.map((kind) => KIND_COLOURS[KINDS.indexOf(kind)]!) },
      };
      return {
        width,
        autosize: { type: "fit-x", contains: "padding" },
        height: { step: isNarrow ? 42 : 24 },
        data: { values: shown },
        layer: [
          ...isNarrow
            ? [{
              mark: { type: "text" as const, align: "left" as const, dy: -13 },
              encoding: { x: { value: 0 }, y, text: { field: "name", type: "nominal" as const } },
            }]
            : [],
          {
            mark: { type: "rule", color: INK.muted, strokeWidth: 1.5 },
            encoding: { x: { datum: 1, ...x } },
          },
          {
            mark: { type: "rule", strokeWidth: 4, opacity: 0.45 },
            encoding: { x: { field: "lower", ...x }, x2: { field: "upper" }, y, color },
          },
          {
            mark: { type: "point", filled: true, size: 70, opacity: 1 },
            encoding: { x: { field: "change", ...x }, y, color },
          },
        ],
      };
    },
  };
}

/** Round ratios on a logarithmic axis. */
function ticksIn(least: number, greatest: number): number[] {
  const steps = greatest / least < 2
    ? [0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.5, 1.75, 2]
    : greatest / least < 8
    ? [0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5]
    : [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000];
  return steps.filter((step) => step >= least && step <= greatest);
}
