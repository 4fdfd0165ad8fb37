/**
 * Adds events up to series: for a window, or for a whole capture.
 *
 * @module
 */

import type { ByteBuffer } from "./bytes.ts";
import type { HistogramSeries, Series } from "./document.ts";
import {
  boundsOf,
  type Bucket,
  bucketOf,
  type Quantile,
  quantileIn,
  QUANTILES,
  rankOf,
} from "./histogram.ts";

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

interface Histogram {
  readonly name: SeriesName;
  readonly kind: "histogram";
  /** The sum is in two parts: a double as long as it is exact, and what was in it before. */
  sum: number;
  earlier: bigint;
  /** By bucket, in which there are only those from the lowest to the highest. */
  readonly tallies: (Tally | undefined)[];
  lowest: number;
  highest: number;
}

interface Counter {
  readonly name: SeriesName;
  readonly kind: "counter";
  value: number;
}

interface Gauge {
  readonly name: SeriesName;
  readonly kind: "gauge";
  value: number;
  min: number;
  max: number;
  sum: number;
  times: number;
}

type Entry = Histogram | Counter | Gauge;

/** Series under construction. Names that are one object are found fastest. */
export class SeriesBook {
  readonly family: 4 | 6 | null;
  readonly #entries = new Map<string, Entry>();
  readonly #histograms = new Map<SeriesName, Histogram>();

  constructor(family: 4 | 6 | null) {
    this.family = family;
  }

  /** Adds `count` events of together `sum`, below 2^52, to a bucket. */
  addToBucket(name: SeriesName, bucket: number, count: number, sum: number): void {
    const entry = this.#histogram(name);
    entry.sum += sum;
    carry(entry);
    const tally = tallyOf(entry, bucket);
    tally.count += count;
    if (count !== 1) return;
    tally.known++;
    if (sum < tally.least) tally.least = sum;
    if (sum > tally.greatest) tally.greatest = sum;
  }

  /** Adds to a counter; 0 makes it known. */
  add(name: SeriesName, value: number): void {
    const key = `counter${seriesKey(name)}`;
    const entry = this.#entries.get(key) as Counter | undefined;
    if (entry === undefined) this.#entries.set(key, { name, kind: "counter", value });
    else entry.value += value;
  }

  /** Sets a gauge; its extremes and mean are those of all that was set. */
  set(name: SeriesName, value: number): void {
    const key = `gauge${seriesKey(name)}`;
    const entry = this.#entries.get(key) as Gauge | undefined;
    if (entry === undefined) {
      const first = { value, min: value, max: value, sum: value, times: 1 };
      this.#entries.set(key, { name, kind: "gauge", ...first });
      return;
    }
    entry.value = value;
    entry.min = Math.min(entry.min, value);
    entry.max = Math.max(entry.max, value);
    entry.sum += value;
    entry.times++;
  }

  /** Adds what another book holds, as if it had come to this one. */
  merge(other: SeriesBook): void {
    for (const [key, from] of other.#entries) {
      const to = this.#entries.get(key);
      if (from.kind === "histogram") mergeHistogram(this.#histogram(from.name), from);
      else if (to === undefined) this.#entries.set(key, { ...from });
      else if (from.kind === "counter") (to as Counter).value += from.value;
      else mergeGauge(to as Gauge, from);
    }
  }

  /** Writes the JSON of {@linkcode SeriesBook.series}, made without them. */
  write(buffer: ByteBuffer): void {
    const family = JSON.stringify(this.family);
    let before = "[";
    for (const entry of this.#entries.values()) {
      buffer.appendText(before);
      before = ",";
      if (entry.kind === "histogram") writeHistogram(entry, family, buffer);
      else buffer.appendText(JSON.stringify(seriesOf(entry, this.family)));
    }
    buffer.appendText(before === "[" ? "[]" : "]");
  }

  /** The series, in the order in which they were first seen. */
  series(): Series[] {
    return [...this.#entries.values()].map((entry) => seriesOf(entry, this.family));
  }

  #histogram(name: SeriesName): Histogram {
    let entry = this.#histograms.get(name);
    if (entry !== undefined) return entry;
    const key = `histogram${seriesKey(name)}`;
    entry = this.#entries.get(key) as Histogram | undefined;
    if (entry === undefined) {
      entry = { name, kind: "histogram", sum: 0, earlier: 0n, ...NO_TALLIES, tallies: [] };
      this.#entries.set(key, entry);
    }
    this.#histograms.set(name, entry);
    return entry;
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

const NO_TALLIES = { lowest: Infinity, highest: -1 };

function tallyOf(histogram: Histogram, bucket: number): Tally {
  const there = histogram.tallies[bucket];
  if (there !== undefined) return there;
  if (bucket < histogram.lowest) histogram.lowest = bucket;
  if (bucket > histogram.highest) histogram.highest = bucket;
  return histogram.tallies[bucket] = { count: 0, known: 0, least: Infinity, greatest: -Infinity };
}

function mergeHistogram(to: Histogram, from: Histogram): void {
  to.earlier += from.earlier;
  to.sum += from.sum;
  carry(to);
  for (let bucket = from.lowest; bucket <= from.highest; bucket++) {
    const tally = from.tallies[bucket];
    if (tally === undefined) continue;
    const there = tallyOf(to, bucket);
    there.count += tally.count;
    there.known += tally.known;
    if (tally.least < there.least) there.least = tally.least;
    if (tally.greatest > there.greatest) there.greatest = tally.greatest;
  }
}

function mergeGauge(to: Gauge, from: Gauge): void {
  to.value = from.value;
  to.min = Math.min(to.min, from.min);
  to.max = Math.max(to.max, from.max);
  to.sum += from.sum;
  to.times += from.times;
}

/** Keeps the sum where a double is exact. */
function carry(histogram: Histogram): void {
  if (histogram.sum < 2 ** 52) return;
  histogram.earlier += BigInt(histogram.sum);
  histogram.sum = 0;
}

function seriesOf(entry: Entry, family: 4 | 6 | null): Series {
  const { metric, labels, unit } = entry.name;
  const identity = { metric, family, labels: { ...labels }, unit };
  if (entry.kind === "counter") return { ...identity, kind: "counter", value: entry.value };
  if (entry.kind === "histogram") return { ...identity, kind: "histogram", ...histogramOf(entry) };
  const { value, min, max, sum, times } = entry;
  return { ...identity, kind: "gauge", value, min, max, mean: sum / times };
}

/** All buckets. */
const BOUNDS = Array.from({ length: bucketOf(2 ** 63) + 1 }, (_, bucket) => boundsOf(bucket));

const utf8 = (text: string) => new TextEncoder().encode(text);
/** What is the same in the text of every histogram; what begins with a comma is for all but the first. */
const TEXTS = {
  buckets: BOUNDS.map(({ lower, upper }) => utf8(`,{"lower":${lower},"upper":${upper},"count":`)),
  quantiles: QUANTILES.map((q) => utf8(`,{"q":${q},`)),
  quantileIn: BOUNDS.map((bounds) => {
    const { value, lower, upper } = quantileIn(0, bounds);
    return utf8(`"value":${value},"lower":${lower},"upper":${upper}}`);
  }),
  close: utf8("}"),
  between: utf8('],"quantiles":['),
  end: utf8("]}"),
};

/** Beginnings of the texts of histograms, by family and name. */
const beginnings = new Map<string, WeakMap<SeriesName, Uint8Array>>();

function beginningOf(name: SeriesName, family: string): Uint8Array {
  let known = beginnings.get(family);
  if (known === undefined) beginnings.set(family, known = new WeakMap());
  let text = known.get(name);
  if (text !== undefined) return text;
  const { metric, labels, unit } = name;
  text = utf8(
    `{"metric":${JSON.stringify(metric)},"family":${family},` +
      `"labels":${JSON.stringify(labels)},"unit":${JSON.stringify(unit)},"kind":"histogram",` +
      `"count":`,
  );
  known.set(name, text);
  return text;
}

/** What `JSON.stringify()` makes of a histogram's series, in a tenth of the time. */
function writeHistogram(histogram: Histogram, family: string, buffer: ByteBuffer): void {
  const { name, tallies, lowest, highest } = histogram;
  const { count, sum, min, max, exact } = factsOf(histogram);
  buffer.append(beginningOf(name, family));
  const total = typeof sum === "string" ? `"${sum}"` : sum;
  buffer.appendText(
    `${count},"sum":${total},"min":${min},"max":${max},"exact":${exact},"buckets":[`,
  );
  for (let bucket = lowest; bucket <= highest; bucket++) {
    const tally = tallies[bucket];
    if (tally === undefined) continue;
    const text = TEXTS.buckets[bucket]!;
    buffer.appendFew(bucket === lowest ? text.subarray(1) : text);
    buffer.appendWhole(tally.count);
    buffer.appendFew(TEXTS.close);
  }
  buffer.appendFew(TEXTS.between);
  quantileBuckets(histogram, count).forEach((bucket, index) => {
    const text = TEXTS.quantiles[index]!;
    buffer.appendFew(index === 0 ? text.subarray(1) : text);
    buffer.appendFew(TEXTS.quantileIn[bucket]!);
  });
  buffer.appendFew(TEXTS.end);
}

function histogramOf(histogram: Histogram) {
  const buckets: Bucket[] = [];
  histogram.tallies.forEach((tally, bucket) =>
    buckets.push({ ...BOUNDS[bucket]!, count: tally!.count })
  );
  const facts = factsOf(histogram);
  return { ...facts, buckets, quantiles: quantilesOf(histogram, facts.count) };
}

function factsOf(
  { tallies, lowest, highest, sum, earlier }: Histogram,
): Pick<HistogramSeries, "count" | "sum" | "min" | "max" | "exact"> {
  let count = 0;
  for (let bucket = lowest; bucket <= highest; bucket++) count += tallies[bucket]?.count ?? 0;
  const [first, last] = [tallies[lowest]!, tallies[highest]!];
  const exact = first.known === first.count && last.known === last.count;
  const whole = earlier + BigInt(sum);
  return {
    count,
    sum: whole <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(whole) : whole.toString(),
    min: exact ? first.least : BOUNDS[lowest]!.lower,
    max: exact ? last.greatest : BOUNDS[highest]!.upper,
    exact,
  };
}

function quantilesOf(histogram: Histogram, total: number): Quantile[] {
  return quantileBuckets(histogram, total).map((bucket, index) =>
    quantileIn(QUANTILES[index]!, BOUNDS[bucket]!)
  );
}

/** The buckets of the quantiles, by nearest rank, in one pass. */
function quantileBuckets({ tallies, lowest, highest }: Histogram, total: number): number[] {
  const found: number[] = [];
  let seen = 0;
  for (let bucket = lowest; bucket <= highest; bucket++) {
    seen += tallies[bucket]?.count ?? 0;
    while (found.length < QUANTILES.length && seen >= rankOf(QUANTILES[found.length]!, total)) {
      found.push(bucket);
    }
  }
  return found;
}
