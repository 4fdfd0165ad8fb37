/**
 * What the server's threads used of a core.
 *
 * @module
 */

import type { TopLevelSpec } from "vega-lite";
import type { MetricsDocument, Series, Window } from "../../metrics/document.ts";
import type { Chart } from "./chart.ts";
import { printable } from "../../system/printable.ts";
import { gauges, significant, top } from "../series.ts";
import { MOST_SERIES } from "./theme.ts";
import { linePoints, linesSpec } from "./lines.ts";

/** A limit for the axis: a greater value is not a measurement. */
const MOST_PERCENT = 1e9;

/** A line for each thread, user and system together, in percent of one core. */
export function cpu(document: MetricsDocument): Chart | null {
  const totals = usageOf(document.totals);
  const threads = [...totals.keys()];
  if (threads.length === 0) return null;
  const mean = (thread: string) => together(totals.get(thread), "mean");
  const own = threads.filter((thread) => thread !== "all");
  const busy = own.filter((thread) => mean(thread) > 0);
  const { kept } = top(busy, MOST_SERIES - 1, mean);
  const left = own.length - kept.length;
  const names = ["all", ...kept];
  const windows = new Map(document.windows.map((window) => [window, usageOf(window.series)]));
  const value = (window: Window, name: string) => together(windows.get(window)!.get(name), "mean");
  const points = linePoints(document, names, value);
  const busiest = busiestOf([...windows.values()], own);
  return {
    id: "cpu",
    title: "CPU by thread",
    caption: "User and system time of the server's threads. 100 % is one core, the most that one " +
      `thread can use. All together ${significant(mean("all"))} % on average` +
      (busiest === null
        ? "."
        : `; the busiest window of one thread was ${
          significant(busiest.percent)
        } % (${busiest.thread}).`) +
      (left === 0 ? "" : ` ${left} quieter threads are in the table.`),
    table: {
      columns: ["thread", "user mean", "system mean", "user max", "system max"],
      rows: threads.map((thread) => [
        thread,
        ...(["mean", "max"] as const).flatMap((of) =>
          MODES.map((mode) => `${significant(totals.get(thread)?.[mode]?.[of] ?? 0)} %`)
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

const MODES = ["user", "system"] as const;

/** What a thread used, in percent of a core. */
type Usage = Partial<Record<string, { readonly mean: number; readonly max: number }>>;

/** Each thread's usage by mode; a server may have thousands. */
function usageOf(series: readonly Series[]): Map<string, Usage> {
  const usage = new Map<string, Usage>();
  for (const { labels, mean, max } of gauges(series, "cpu_usage", "ratio")) {
    const thread = printable(labels["thread"] ?? "");
    let found = usage.get(thread);
    if (found === undefined) usage.set(thread, found = {});
    found[labels["mode"] ?? ""] ??= { mean: percent(mean), max: percent(max) };
  }
  return usage;
}

const percent = (ratio: number) => Math.min(100 * ratio, MOST_PERCENT);

function together(usage: Usage | undefined, of: "mean" | "max"): number {
  return MODES.reduce((sum, mode) => sum + (usage?.[mode]?.[of] ?? 0), 0);
}

function busiestOf(windows: readonly Map<string, Usage>[], threads: readonly string[]) {
  let busiest: { readonly thread: string; readonly percent: number } | null = null;
  for (const thread of threads) {
    const percent = windows.reduce(
      (most, usage) => Math.max(most, together(usage.get(thread), "mean")),
      0,
    );
    if (busiest === null || percent > busiest.percent) busiest = { thread, percent };
  }
  return busiest;
}
