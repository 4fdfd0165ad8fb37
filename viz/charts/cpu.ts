/**
 * What the server's threads used of a core.
 *
 * @module
 */

import type { TopLevelSpec } from "npm:vega-lite@6.5.0";
import type { MetricsDocument, Series, Window } from "../../metrics/document.ts";
import type { Chart } from "../chart.ts";
import { printable } from "../../system/printable.ts";
import { gauges, greatest, three } from "../series.ts";
import { MOST_SERIES } from "../theme.ts";
import { linePoints, linesSpec } from "./lines.ts";

/** More is no measurement, and no axis could hold it. */
const MOST_PERCENT = 1e9;

/** A line for each thread, user and system together, in percent of one core. */
export function cpu(document: MetricsDocument): Chart | null {
  const threads = [...new Set(ratios(document.totals).map(threadOf))];
  if (threads.length === 0) return null;
  const mean = (thread: string) => share(document.totals, thread, "mean");
  const own = threads.filter((thread) => thread !== "all");
  const busy = own.filter((thread) => mean(thread) > 0);
  const { kept } = greatest(busy, MOST_SERIES - 1, mean);
  const left = own.length - kept.length;
  const names = ["all", ...kept];
  const value = (window: Window, name: string) => share(window.series, name, "mean");
  const points = linePoints(document, names, value);
  const busiest =
    own.toSorted((a, b) => greatestShare(document, b) - greatestShare(document, a))[0];
  return {
    id: "cpu",
    title: "CPU by thread",
    sentence: "User and system time of the server's threads; 100 % is one core, and one thread " +
      `cannot use more. All together ${three(mean("all"))} % on average` +
      (busiest === undefined
        ? "."
        : `; the busiest window of one thread was ${three(greatestShare(document, busiest))} % ` +
          `(${busiest}).`) +
      (left === 0 ? "" : ` ${left} quieter threads are in the table.`),
    table: {
      columns: ["thread", "user mean", "system mean", "user max", "system max"],
      rows: threads.map((thread) => [
        thread,
        ...(["mean", "max"] as const).flatMap((of) =>
          ["user", "system"].map((mode) =>
            `${three(modeShare(document.totals, thread, mode, of))} %`
          )
        ),
      ]),
    },
    spec: (layout): TopLevelSpec =>
      linesSpec(document, points, names, layout, {
        title: "% of a core",
        format: "~f",
        limit: 100,
      }),
  };
}

function ratios(series: readonly Series[]) {
  return gauges(series, "cpu_usage", "ratio");
}

const threadOf = ({ labels }: Series) => printable(labels["thread"] ?? "");

function share(series: readonly Series[], thread: string, of: "mean" | "max"): number {
  return ["user", "system"].reduce((sum, mode) => sum + modeShare(series, thread, mode, of), 0);
}

function modeShare(
  series: readonly Series[],
  thread: string,
  mode: string,
  of: "mean" | "max",
): number {
  const found = ratios(series).find((each) =>
    threadOf(each) === thread && each.labels["mode"] === mode
  );
  return Math.min(100 * (found?.[of] ?? 0), MOST_PERCENT);
}

function greatestShare({ windows }: MetricsDocument, thread: string): number {
  return Math.max(0, ...windows.map(({ series }) => share(series, thread, "mean")));
}
