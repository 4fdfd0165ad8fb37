/**
 * A whole capture in a bounded number of windows, for charts: neighbours are merged.
 *
 * @module
 */

import type { CaptureRecord } from "./capture.ts";
import type { ChangeRecord } from "./capture_changes.ts";
import type { HistogramSeries, MetricsDocument, Series, Window } from "./document.ts";
import { type Bucket, quantile } from "./histogram.ts";
import { seriesKey } from "./series_book.ts";
import { type BuiltWindow, joinedTimes, watchedSeconds, type WindowTimes } from "./built_window.ts";
import { WindowBuilder } from "./windows.ts";

/** What a span knows of a series; a gauge's mean is of so many seconds. */
type Merged =
  | { readonly kind: "counter"; readonly of: Series; value: Amount }
  | { readonly kind: "gauge"; readonly of: Series; last: Gauge; seconds: number }
  | { readonly kind: "histogram"; readonly of: Series; sum: Amount | null; more: Histogram };
/** A number, or an integer beyond 2^53 as a string. */
type Amount = number | string;
type Gauge = Pick<Extract<Series, { kind: "gauge" }>, "value" | "min" | "max" | "mean">;
interface Histogram {
  readonly buckets: Map<number, Bucket>;
  readonly quantiles: readonly number[];
  min: number;
  max: number;
  exact: boolean;
}

/** What takes up what follows it. */
export interface Span<T> {
  absorb(next: T): void;
}

/** Windows of a document in one: from the start of the first to the end of the last. */
class WindowSpan implements Span<WindowSpan> {
  #times: WindowTimes;
  readonly #series = new Map<string, Merged>();

  constructor({ series, ...times }: Window) {
    this.#times = times;
    const seconds = watchedSeconds(times);
    for (const each of series) this.#add(each, seconds);
  }

  absorb(next: WindowSpan): void {
    this.#times = joinedTimes(this.#times, next.#times);
    for (const merged of next.#series.values()) {
      this.#add(seriesOf(merged), merged.kind === "gauge" ? merged.seconds : 0);
    }
  }

  window(): Window {
    const series = [...this.#series.values()].map(seriesOf);
    return { ...this.#times, series };
  }

  #add(series: Series, seconds: number): void {
    const key = series.kind + seriesKey(series);
    const merged = this.#series.get(key);
    if (merged === undefined) this.#series.set(key, begin(series, seconds));
    else merge(merged, series, seconds);
  }
}

/** Spans that become fewer and longer when there are too many. */
export class Overview<T extends Span<T>> {
  readonly #limit: number;
  #spans: T[] = [];
  /** How many windows a span holds; the last one may hold fewer. */
  #each = 1;
  #count = 0;

  /** @param limit the most spans that there will be: 1 or an even number. */
  constructor(limit = 240) {
    this.#limit = limit;
  }

  /** Adds the next window; it may take up what follows it. */
  add(window: T): void {
    if (this.#count === this.#limit * this.#each) this.#halve();
    const span = this.#spans[Math.floor(this.#count / this.#each)];
    if (span === undefined) this.#spans.push(window);
    else span.absorb(window);
    this.#count++;
  }

  /** The spans, at most as many as the limit. */
  spans(): readonly T[] {
    return this.#spans;
  }

  #halve(): void {
    this.#spans = this.#spans.filter((span, index) => {
      const next = this.#spans[index + 1];
      if (index % 2 === 0 && next !== undefined) span.absorb(next);
      return index % 2 === 0;
    });
    this.#each *= 2;
  }
}

/** Windows of a document, merged so that there are at most `limit`: 1 or an even number. */
export function mergedWindows(windows: Iterable<Window>, limit?: number): Window[] {
  const overview = new Overview<WindowSpan>(limit);
  for (const window of windows) overview.add(new WindowSpan(window));
  return overview.spans().map((span) => span.window());
}

/** The document of a whole capture, in memory that does not grow with it: its windows are merged. */
export async function overviewOf(
  records: AsyncIterable<CaptureRecord | ChangeRecord>,
  limit?: number,
): Promise<MetricsDocument> {
  const overview = new Overview<BuiltWindow>(limit);
  const builder = new WindowBuilder((window) => overview.add(window));
  for await (const record of records) builder.next(record);
  return { ...builder.document(), windows: overview.spans().map((window) => window.final()) };
}

function begin(series: Series, seconds: number): Merged {
  if (series.kind === "counter") return { kind: "counter", of: series, value: series.value };
  if (series.kind === "gauge") {
    const { value, min, max, mean } = series;
    return { kind: "gauge", of: series, last: { value, min, max, mean }, seconds };
  }
  const { sum, min, max, buckets, quantiles } = series;
  const more = {
    buckets: new Map(buckets.map((bucket) => [bucket.lower, bucket])),
    quantiles: quantiles.map(({ q }) => q),
    min,
    max,
    exact: series.exact,
  };
  return { kind: "histogram", of: series, sum, more };
}

function merge(merged: Merged, series: Series, seconds: number): void {
  if (merged.kind === "counter" && series.kind === "counter") {
    merged.value = plus(merged.value, series.value);
  } else if (merged.kind === "gauge" && series.kind === "gauge") {
    const { last } = merged;
    const together = merged.seconds + seconds;
    const share = together === 0 ? 0.5 : seconds / together;
    merged.last = {
      value: series.value,
      min: Math.min(last.min, series.min),
      max: Math.max(last.max, series.max),
      mean: last.mean * (1 - share) + series.mean * share,
    };
    merged.seconds = together;
  } else if (merged.kind === "histogram" && series.kind === "histogram") {
    mergeHistogram(merged, series);
  }
}

function mergeHistogram(
  merged: Extract<Merged, { kind: "histogram" }>,
  series: HistogramSeries,
): void {
  const { more } = merged;
  merged.sum = merged.sum === null || series.sum === null ? null : plus(merged.sum, series.sum);
  for (const bucket of series.buckets) {
    const there = more.buckets.get(bucket.lower);
    const count = bucket.count + (there?.count ?? 0);
    more.buckets.set(bucket.lower, { ...bucket, count });
  }
  more.exact &&= series.exact;
  more.min = Math.min(more.min, series.min);
  more.max = Math.max(more.max, series.max);
}

function seriesOf(merged: Merged): Series {
  const { metric, family, labels, unit } = merged.of;
  const identity = { metric, family, labels, unit };
  if (merged.kind === "counter") {
    return { ...identity, kind: "counter", value: merged.value };
  }
  if (merged.kind === "gauge") return { ...identity, kind: "gauge", ...merged.last };
  const { more, sum } = merged;
  const buckets = [...more.buckets.values()].toSorted((a, b) => a.lower - b.lower);
  return {
    ...identity,
    kind: "histogram",
    count: buckets.reduce((total, { count }) => total + count, 0),
    sum,
    min: more.min,
    max: more.max,
    exact: more.exact,
    buckets,
    quantiles: buckets.length === 0 ? [] : more.quantiles.map((q) => quantile(buckets, q)),
  };
}

function plus(a: Amount, b: Amount): Amount {
  const sum = Number(a) + Number(b);
  const isSmall = typeof a === "number" && typeof b === "number" && Math.abs(sum) < 2 ** 53;
  // Seconds have fractions.
  if (isSmall || [a, b].some((each) => !Number.isInteger(Number(each)))) return sum;
  const exact = BigInt(a) + BigInt(b);
  return BigInt.asIntN(54, exact) === exact ? Number(exact) : exact.toString();
}
