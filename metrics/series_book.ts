/**
 * Adds events to series: for a window, for several, or for a whole capture.
 *
 * @module
 */

import type { HistogramSeries, Series } from "./document.ts";
import type { MetricName } from "./metric_names.ts";
import { boundsOf, type Bucket, bucketOf, isSingle, quantilesOf } from "./histogram.ts";

/** The identity of a series: metric, labels and unit. */
export interface SeriesName {
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly unit: string;
}

/** The identity of a series that a capture of ours becomes. */
export interface OwnSeriesName extends SeriesName {
  readonly metric: MetricName;
}

/** A number, or an integer beyond 2^53 as a string. */
type Amount = number | string;

/** The known values of one bucket. */
interface Tally {
  readonly lower: number;
  readonly upper: number;
  count: number;
  /** How many of them have a known value, because they were alone in a window. */
  known: number;
  least: number;
  greatest: number;
}

interface Histogram {
  readonly name: SeriesName;
  readonly kind: "histogram";
  sum: Amount | null;
  /** By their lower bounds. */
  readonly tallies: Map<number, Tally>;
}

interface Counter {
  readonly name: SeriesName;
  readonly kind: "counter";
  value: Amount;
}

interface Gauge {
  readonly name: SeriesName;
  readonly kind: "gauge";
  value: number;
  min: number;
  max: number;
  /** Its duration, and the mean times the duration. */
  seconds: number;
  weighted: number;
}

type GaugeSeries = Extract<Series, { kind: "gauge" }>;

type Entry = Histogram | Counter | Gauge;

/** The buckets of the programs. */
const BOUNDS = Array.from({ length: bucketOf(2 ** 63) + 1 }, (_, bucket) => boundsOf(bucket));

/** Series under construction. Names that are the same object are found fastest. */
export class SeriesBook {
  readonly family: 4 | 6 | null;
  readonly #entries = new Map<string, Entry>();
  readonly #byName = new Map<SeriesName, Entry>();

  constructor(family: 4 | 6 | null) {
    this.family = family;
  }

  /** Adds `count` events with the sum `sum` to a bucket of the programs. */
  addToBucket(name: SeriesName, bucket: number, count: number, sum: number): void {
    const entry = this.#histogram(name);
    entry.sum = plus(entry.sum!, sum);
    const tally = tallyOf(entry, BOUNDS[bucket]!);
    tally.count += count;
    if (isSingle(tally)) addKnown(tally, count, tally.lower, tally.lower);
    else if (count === 1) addKnown(tally, 1, sum, sum);
  }

  /** Adds to a counter; adding 0 creates it. */
  add(name: SeriesName, value: Amount): void {
    const entry = this.#entry<Counter>(name, "counter") ??
      this.#begin<Counter>({ name, kind: "counter", value: 0 });
    entry.value = plus(entry.value, value);
  }

  /** Sets a gauge that had one value for some seconds. */
  set(name: SeriesName, value: number, seconds: number): void {
    const weighted = value * seconds;
    this.#addGauge({ name, kind: "gauge", value, min: value, max: value, seconds, weighted });
  }

  /** Adds a complete series with its duration in seconds. */
  addSeries(series: Series, seconds: number): void {
    if (series.kind === "counter") this.add(series, series.value);
    else if (series.kind === "gauge") this.#addGauge(gaugeOf(series, seconds));
    else this.#addHistogram(histogramOf(series));
  }

  /** Adds another book. */
  merge(other: SeriesBook): void {
    for (const entry of other.#entries.values()) {
      if (entry.kind === "counter") this.add(entry.name, entry.value);
      else if (entry.kind === "gauge") this.#addGauge(entry);
      else this.#addHistogram(entry);
    }
  }

  /** The series, in the order in which they were first seen. */
  series(): Series[] {
    return [...this.#entries.values()].map((entry) => {
      const series = seriesOf(entry, this.family);
      // Windows are added up again, for charts.
      keys.set(series, seriesKey(entry.name));
      return series;
    });
  }

  #addGauge(gauge: Gauge): void {
    const entry = this.#entry<Gauge>(gauge.name, "gauge");
    if (entry === undefined) {
      this.#begin({ ...gauge });
      return;
    }
    entry.value = gauge.value;
    entry.min = Math.min(entry.min, gauge.min);
    entry.max = Math.max(entry.max, gauge.max);
    entry.seconds += gauge.seconds;
    entry.weighted += gauge.weighted;
  }

  #addHistogram({ name, sum, tallies }: Histogram): void {
    const entry = this.#histogram(name);
    entry.sum = entry.sum === null || sum === null ? null : plus(entry.sum, sum);
    for (const tally of tallies.values()) {
      const there = tallyOf(entry, tally);
      there.count += tally.count;
      addKnown(there, tally.known, tally.least, tally.greatest);
    }
  }

  #histogram(name: SeriesName): Histogram {
    return this.#entry<Histogram>(name, "histogram") ??
      this.#begin<Histogram>({ name, kind: "histogram", sum: 0, tallies: new Map() });
  }

  #entry<T extends Entry>(name: SeriesName, kind: T["kind"]): T | undefined {
    const known = this.#byName.get(name) ?? this.#entries.get(kind + seriesKey(name));
    return known as T | undefined;
  }

  #begin<T extends Entry>(entry: T): T {
    this.#byName.set(entry.name, entry);
    this.#entries.set(entry.kind + seriesKey(entry.name), entry);
    return entry;
  }
}

/** Cached keys of names. */
const keys = new WeakMap<SeriesName, string>();

/** A string that is equal for names of the same series. */
export function seriesKey(name: SeriesName): string {
  return keys.getOrInsertComputed(name, keyOf);
}

function keyOf({ metric, labels, unit }: SeriesName): string {
  const sorted = Object.entries(labels).toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  return JSON.stringify([metric, unit, sorted]);
}

function gaugeOf(series: GaugeSeries, seconds: number): Gauge {
  const { value, min, max, mean } = series;
  return { name: series, kind: "gauge", value, min, max, seconds, weighted: mean * seconds };
}

/** A histogram of a document: its known values are its extremes, if they are exact. */
function histogramOf(series: HistogramSeries): Histogram {
  const { sum, min, max, exact, buckets } = series;
  const histogram: Histogram = { name: series, kind: "histogram", sum, tallies: new Map() };
  for (const bucket of buckets) tallyOf(histogram, bucket).count += bucket.count;
  if (exact) {
    const [first, last] = [buckets[0]!, buckets.at(-1)!];
    addKnown(tallyOf(histogram, first), first.count, min, first === last ? max : min);
    if (first !== last) addKnown(tallyOf(histogram, last), last.count, max, max);
  }
  return histogram;
}

function tallyOf({ tallies }: Histogram, { lower, upper }: Omit<Bucket, "count">): Tally {
  let tally = tallies.get(lower);
  if (tally === undefined) {
    tally = { lower, upper, count: 0, known: 0, least: Infinity, greatest: -Infinity };
    tallies.set(lower, tally);
  }
  return tally;
}

function addKnown(tally: Tally, count: number, least: number, greatest: number): void {
  tally.known += count;
  tally.least = Math.min(tally.least, least);
  tally.greatest = Math.max(tally.greatest, greatest);
}

function seriesOf(entry: Entry, family: 4 | 6 | null): Series {
  const { metric, labels, unit } = entry.name;
  const identity = { metric, family, labels, unit };
  if (entry.kind === "counter") return { ...identity, kind: "counter", value: entry.value };
  if (entry.kind === "gauge") {
    const { value, min, max, seconds, weighted } = entry;
    const mean = seconds === 0 ? value : weighted / seconds;
    return { ...identity, kind: "gauge", value, min, max, mean };
  }
  const tallies = [...entry.tallies.values()].sort((a, b) => a.lower - b.lower);
  const [first, last] = [tallies[0]!, tallies.at(-1)!];
  const exact = first.known === first.count && last.known === last.count;
  const buckets = tallies.map(({ lower, upper, count }) => ({ lower, upper, count }));
  return {
    ...identity,
    kind: "histogram",
    count: buckets.reduce((total, { count }) => total + count, 0),
    sum: entry.sum,
    min: exact ? first.least : first.lower,
    max: exact ? last.greatest : last.upper,
    exact,
    buckets,
    quantiles: quantilesOf(buckets),
  };
}

function plus(a: Amount, b: Amount): Amount {
  const sum = Number(a) + Number(b);
  // Seconds are fractional.
  if (Math.abs(sum) < 2 ** 53 || !Number.isInteger(sum)) return sum;
  const exact = BigInt(a) + BigInt(b);
  return BigInt.asIntN(54, exact) === exact ? Number(exact) : exact.toString();
}
