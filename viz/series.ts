/**
 * Series of a document as charts need them.
 *
 * @module
 */

import type { HistogramSeries, MetricsDocument, Series, Window } from "../metrics/document.ts";
import type { MetricName } from "../metrics/metric_names.ts";
import { watchedSeconds } from "../metrics/windows.ts";
import { messageRank } from "../metrics/messages.ts";
import { nanosecondsIn } from "../metrics/time_units.ts";
import { stagePlace } from "../metrics/stages.ts";
import { causePlace } from "../metrics/waits.ts";
import { printable } from "../system/printable.ts";
import { duration, threeDigits } from "./format.ts";

/** Histograms of a metric, in the order of an exchange. */
export function histograms(series: readonly Series[], metric: MetricName): HistogramSeries[] {
  return series.filter((each): each is HistogramSeries =>
    each.metric === metric && each.kind === "histogram" && each.count > 0 && each.buckets.length > 0
  ).toSorted(inOrder);
}

/** Messages in the order of an exchange, their stages in the order of time, what they waited for. */
function inOrder(a: HistogramSeries, b: HistogramSeries): number {
  return rank(a) - rank(b) || stagePlace(a.labels["stage"]) - stagePlace(b.labels["stage"]) ||
    causePlace(a.labels["cause"]) - causePlace(b.labels["cause"]);
}

function rank({ labels }: HistogramSeries): number {
  const of = (message = "") => Math.min(messageRank(message), 255);
  return 256 * of(labels["message"]) + of(labels["answer"]);
}

/** The name of a series in charts: its labels, the answer after an arrow. */
export function nameOf({ labels }: Pick<Series, "labels">): string {
  const { message, answer, ...others } = labels;
  const packet = [message, answer].filter((part) => part !== undefined).join(" \u2192 ");
  return printable([packet, ...Object.values(others)].filter(Boolean).join(" "));
}

/** The `most` largest items of a list, in the order of the list, and the rest. */
export function top<T>(
  list: readonly T[],
  most: number,
  size: (item: T) => number,
): { readonly kept: T[]; readonly left: T[] } {
  const sorted = list.toSorted((a, b) => size(b) - size(a));
  const kept = new Set(sorted.slice(0, most));
  return {
    kept: list.filter((item) => kept.has(item)),
    left: list.filter((item) => !kept.has(item)),
  };
}

/** A quantile of a histogram; null if it has no such quantile. */
export function quantileOf({ quantiles }: HistogramSeries, q: number) {
  return quantiles.find((quantile) => quantile.q === q) ?? null;
}

/** A value of a histogram of times for people. */
export function timeText({ unit }: HistogramSeries, value: number): string {
  return duration(value * (nanosecondsIn(unit) ?? 1));
}

/** A quantile of times for people; empty if the histogram has no such quantile. */
export function quantileText(series: HistogramSeries, q: number): string {
  const found = quantileOf(series, q);
  return found === null ? "" : timeText(series, found.value);
}

/** A quantile of times as a logarithmic axis shows it: 1 ns at least. */
export function quantileOnAxis(series: HistogramSeries, q: number): number {
  return Math.max(1, quantileOf(series, q)?.value ?? 1);
}

/** The longest time for people; a bound has a mark. */
export function maxText(series: HistogramSeries): string {
  return `${series.exact ? "" : "<"}${timeText(series, series.max)}`;
}

/** How long a window was watched, seconds. */
export function secondsOf(window: Window): number {
  return Math.max(watchedSeconds(window), 1e-9);
}

/** The middle of a window, RFC 3339. */
export function middleOf({ start, end }: Window): string {
  return new Date((Date.parse(start) + Date.parse(end)) / 2).toISOString();
}

/** Clock time of a window for tables, with the date if the windows span more than one. */
export function clockOf(windows: readonly Window[]): (time: string) => string {
  return isOfDays(windows)
    ? (time) => time.slice(0, 19).replace("T", " ")
    : (time) => time.slice(11, 19);
}

/** Whether windows span more than one date, in UTC. */
export function isOfDays(windows: readonly Window[]): boolean {
  const dates = [windows[0]?.start, windows.at(-1)?.end].map((time) => time?.slice(0, 10));
  return dates[0] !== dates[1];
}

/** Whether there is a gap before a window; a line must not cross it. */
export function gapBefore(windows: readonly Window[], index: number): boolean {
  const before = windows[index - 1];
  return before !== undefined && Date.parse(windows[index]!.start) - Date.parse(before.end) > 1;
}

/** The smallest visible part of a chart's width. */
const SEEN = 1 / 250;

/** The shortest visible time on the axis of these windows, milliseconds. */
export function shortestSeen(windows: readonly Window[]): number {
  const [first, last] = [windows[0], windows.at(-1)];
  return first === undefined ? 0 : SEEN * (Date.parse(last!.end) - Date.parse(first.start));
}

/** The end of each window's bar: a short window beside a gap is drawn long enough to be visible. */
export function drawnEnds(windows: readonly Window[]): ReadonlyMap<string, string> {
  const shortest = shortestSeen(windows);
  return new Map(windows.map(({ start, end }, index) => {
    const next = Date.parse(windows[index + 1]?.start ?? "") || Infinity;
    const seen = Math.min(Date.parse(start) + shortest, next);
    return [start, seen > Date.parse(end) ? new Date(seen).toISOString() : end];
  }));
}

/** For each window, whether its stretch between gaps is too short for a visible line. */
export function isOfShortStretch(windows: readonly Window[]): boolean[] {
  const shortest = shortestSeen(windows);
  const found: boolean[] = [];
  for (let start = 0, end = 1; end <= windows.length; end++) {
    if (end < windows.length && !gapBefore(windows, end)) continue;
    const length = Date.parse(windows[end - 1]!.end) - Date.parse(windows[start]!.start);
    found.push(...Array<boolean>(end - start).fill(length < shortest));
    start = end;
  }
  return found;
}

/** A number with three digits and thousands separators. */
export function significant(value: number): string {
  return value === 0 ? "0" : integer(threeDigits(value));
}

/** An integer with thousands separators. */
export function integer(value: number | string): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A count with its noun: `1 packet`, `1,000 packets`. */
export function plural(count: number, thing: string): string {
  return `${integer(count)} ${thing}${count === 1 ? "" : "s"}`;
}

/** Counters of a metric in one unit. */
export function counters(series: readonly Series[], metric: MetricName, unit: string) {
  return series.filter((each): each is Extract<Series, { kind: "counter" }> =>
    each.metric === metric && each.kind === "counter" && each.unit === unit
  );
}

/** The sum of some counters. */
export function sumOf(counters: readonly { readonly value: number | string }[]): number {
  return counters.reduce((sum, { value }) => sum + Number(value), 0);
}

/** What the server received or sent, in packets or bytes. */
export function trafficOf(
  series: readonly Series[],
  unit: "packets" | "bytes",
  direction: string,
): number {
  return sumOf(
    counters(series, "network_traffic", unit).filter(({ labels }) =>
      printable(labels["direction"] ?? "") === direction
    ),
  );
}

/** The errors of one kind. */
export function errorsOf(series: readonly Series[], kind: string): number {
  return sumOf(
    counters(series, "error_rate", "events").filter(({ labels }) => labels["kind"] === kind),
  );
}

/** The name of an error: its kind, and what distinguishes it within that kind. */
export function errorName({ kind, severity, id }: Series["labels"]): string {
  return [kind, severity, id].filter(Boolean).join(" ");
}

/** Gauges of a metric in one unit. */
export function gauges(series: readonly Series[], metric: MetricName, unit: string) {
  return series.filter((each): each is Extract<Series, { kind: "gauge" }> =>
    each.metric === metric && each.kind === "gauge" && each.unit === unit
  );
}

/** The watched seconds; if the document does not have them, the sum of its windows. */
export function durationOf({ capture, windows }: MetricsDocument): number | null {
  const seconds = capture.watched_seconds ?? capture.duration_seconds;
  if (seconds !== null) return seconds;
  return windows.length === 0 ? null : windows.reduce((sum, each) => sum + secondsOf(each), 0);
}
