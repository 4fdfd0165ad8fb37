/**
 * Adds events up to series: for a window, or for a whole capture.
 *
 * @module
 */

import type { HistogramSeries, Series } from "./document.ts";
import { boundsOf, type Bucket, quantile, QUANTILES } from "./histogram.ts";

/** Which series: metric, labels and unit. */
export interface SeriesName {
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly unit: string;
}

/** What is known of one bucket. */
interface Tally {
  count: number;
  /** How many of them came alone into a reading, so that their value is known. */
  known: number;
  least: number;
  greatest: number;
}

type Entry =
  & { readonly name: SeriesName }
  & (
    | { readonly kind: "histogram"; sum: bigint; readonly tallies: Map<number, Tally> }
    | { readonly kind: "counter"; value: number }
    | {
      readonly kind: "gauge";
      value: number;
      min: number;
      max: number;
      sum: number;
      times: number;
    }
  );

/** Series under construction. */
export class SeriesBook {
  readonly #family: 4 | 6 | null;
  readonly #entries = new Map<string, Entry>();

  constructor(family: 4 | 6 | null) {
    this.#family = family;
  }

  /** Adds `count` events of together `sum` to a bucket. */
  addToBucket(name: SeriesName, bucket: number, count: number, sum: bigint): void {
    const entry = this.#entry(name, "histogram", () => ({ sum: 0n, tallies: new Map() }));
    entry.sum += sum;
    const tally = entry.tallies.get(bucket) ??
      { count: 0, known: 0, least: Infinity, greatest: -Infinity };
    tally.count += count;
    if (count === 1) {
      tally.known++;
      tally.least = Math.min(tally.least, Number(sum));
      tally.greatest = Math.max(tally.greatest, Number(sum));
    }
    entry.tallies.set(bucket, tally);
  }

  /** Adds to a counter; 0 makes it known. */
  add(name: SeriesName, value: number): void {
    this.#entry(name, "counter", () => ({ value: 0 })).value += value;
  }

  /** Sets a gauge; its extremes and mean are those of all that was set. */
  set(name: SeriesName, value: number): void {
    const entry = this.#entry(
      name,
      "gauge",
      () => ({ value, min: value, max: value, sum: 0, times: 0 }),
    );
    entry.value = value;
    entry.min = Math.min(entry.min, value);
    entry.max = Math.max(entry.max, value);
    entry.sum += value;
    entry.times++;
  }

  /** The series, in the order in which they were first seen. */
  series(): Series[] {
    return [...this.#entries.values()].map((entry) => {
      const identity = { ...entry.name, labels: { ...entry.name.labels }, family: this.#family };
      if (entry.kind === "counter") return { ...identity, kind: "counter", value: entry.value };
      if (entry.kind === "gauge") {
        const { value, min, max, sum, times } = entry;
        return { ...identity, kind: "gauge", value, min, max, mean: sum / times };
      }
      return { ...identity, kind: "histogram", ...histogramOf(entry.tallies, entry.sum) };
    });
  }

  #entry<K extends Entry["kind"]>(
    name: SeriesName,
    kind: K,
    make: () => Omit<Extract<Entry, { kind: K }>, "name" | "kind">,
  ): Extract<Entry, { kind: K }> {
    const key = kind + seriesKey(name);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { name, kind, ...make() } as unknown as Entry;
      this.#entries.set(key, entry);
    }
    return entry as Extract<Entry, { kind: K }>;
  }
}

/** Keys of names that are used again and again. */
const keys = new WeakMap<SeriesName, string>();

/** A string that two names share if they name the same series. */
export function seriesKey(name: SeriesName): string {
  let key = keys.get(name);
  if (key === undefined) keys.set(name, key = keyOf(name));
  return key;
}

function keyOf({ metric, labels, unit }: SeriesName): string {
  const sorted = Object.entries(labels).toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  return JSON.stringify([metric, unit, sorted]);
}

function histogramOf(
  tallies: ReadonlyMap<number, Tally>,
  sum: bigint,
): Pick<HistogramSeries, "count" | "sum" | "min" | "max" | "exact" | "buckets" | "quantiles"> {
  const sorted = [...tallies].toSorted(([a], [b]) => a - b);
  const buckets: Bucket[] = sorted.map(([bucket, { count }]) => ({ ...boundsOf(bucket), count }));
  const [lowest, highest] = [sorted[0]![1], sorted.at(-1)![1]];
  const exact = lowest.known === lowest.count && highest.known === highest.count;
  return {
    count: buckets.reduce((total, { count }) => total + count, 0),
    sum: sum <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(sum) : sum.toString(),
    min: exact ? lowest.least : buckets[0]!.lower,
    max: exact ? highest.greatest : buckets.at(-1)!.upper,
    exact,
    buckets,
    quantiles: QUANTILES.map((q) => quantile(buckets, q)),
  };
}
