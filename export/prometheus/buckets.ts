/**
 * From our buckets, eight an octave of nanoseconds, to those of Prometheus.
 *
 * @module
 */

import type { Exemplar, HistogramValue } from "./accumulator.ts";

/** Buckets an octave of a classic histogram: a divisor of eight, so that no bucket of ours is cut. */
export const BUCKETS_PER_OCTAVE = [1, 2, 4, 8] as const;
export type BucketsPerOctave = typeof BUCKETS_PER_OCTAVE[number];

/** The ladder reaches from 2^13 ns (8 us) to 2^33 ns (8.6 s). */
const [FIRST_OCTAVE, LAST_OCTAVE] = [13, 33];

/** A rung of a classic histogram. */
export interface Rung {
  /** Upper bound as decimal seconds; one text for one bound, because it is a label. */
  readonly le: string;
  /** Events up to there, from the beginning. */
  readonly cumulative: bigint;
  /** The newest one between the rung before and this one. */
  readonly exemplar: Exemplar | null;
}

/** The upper bounds of the usual ladder, nanoseconds; the same for each histogram and scrape. */
export function ladder(perOctave: BucketsPerOctave): number[] {
  const bounds: number[] = [];
  for (let octave = FIRST_OCTAVE; octave < LAST_OCTAVE; octave++) {
    for (let step = 0; step < perOctave; step++) {
      bounds.push(2 ** octave * (1 + step / perOctave));
    }
  }
  return [...bounds, 2 ** LAST_OCTAVE];
}

/**
 * A histogram as a classic one; its last rung is `+Inf`. A bucket that a bound cuts counts at the next one.
 *
 * @param perOctave rungs an octave, unless the histogram has bounds of its own.
 */
export function classicOf(
  value: HistogramValue,
  perOctave: BucketsPerOctave,
): Rung[] {
  const { buckets, count, exemplars = [], bounds = ladder(perOctave) } = value;
  const newestIn = (from: number, to: number) =>
    exemplars.findLast(({ value }) => value >= from && value < to) ?? null;
  const ascending = [...buckets.values()].sort((a, b) => a.upper - b.upper);
  let [at, cumulative] = [0, 0n];
  const rungs = bounds.map((bound, rung) => {
    for (; at < ascending.length && ascending[at]!.upper <= bound; at++) {
      cumulative += ascending[at]!.count;
    }
    const exemplar = newestIn(bounds[rung - 1] ?? 0, bound);
    return { le: secondsOf(BigInt(bound)), cumulative, exemplar };
  });
  const last = newestIn(bounds.at(-1)!, Infinity);
  return [...rungs, { le: "+Inf", cumulative: count, exemplar: last }];
}

/** The schema of native histograms: 16 buckets an octave; no two of ours fall together. */
export const NATIVE_SCHEMA = 4;

/** Runs of native buckets that stand together. */
export interface Span {
  /** From the end of the span before, of the first one from 0. */
  readonly offset: number;
  readonly length: number;
}

/** A native histogram's buckets. */
export interface NativeBuckets {
  readonly spans: Span[];
  /** The first count, then the difference of each to the one before. */
  readonly deltas: bigint[];
  /** Events of no time at all. */
  readonly zero: bigint;
}

/** Events by exponential bucket, ascending. */
export interface ExponentialCounts {
  /** Count by native index, none of them 0. */
  readonly counts: readonly (readonly [index: number, count: bigint])[];
  /** Events of no time at all. */
  readonly zero: bigint;
}

/**
 * A histogram in exponential buckets. A bucket's events go where its middle lies: the error of a quantile is
 * at most 10.8 %, and no bucket's count ever goes down.
 */
export function exponentialOf({ buckets }: HistogramValue): ExponentialCounts {
  const counts = new Map<number, bigint>();
  let zero = 0n;
  for (const { lower, upper, count } of buckets.values()) {
    if (count === 0n) continue;
    if (lower === 0) {
      zero += count;
      continue;
    }
    const index = nativeIndex((lower + upper) / 2 / 1e9);
    counts.set(index, (counts.get(index) ?? 0n) + count);
  }
  return { counts: [...counts].sort(([a], [b]) => a - b), zero };
}

/** A histogram as a native one. */
export function nativeOf(value: HistogramValue): NativeBuckets {
  const { counts, zero } = exponentialOf(value);
  const spans: { offset: number; length: number }[] = [];
  const deltas: bigint[] = [];
  let [next, before] = [0, 0n];
  for (const [index, count] of counts) {
    if (spans.length > 0 && index === next) spans.at(-1)!.length++;
    else spans.push({ offset: index - next, length: 1 });
    deltas.push(count - before);
    [next, before] = [index + 1, count];
  }
  return { spans, deltas, zero };
}

/** The native bucket of a time in seconds: its upper bound is 2^(index / 16), inclusive. */
export function nativeIndex(seconds: number): number {
  return Math.ceil(Math.log2(seconds) * 2 ** NATIVE_SCHEMA);
}

/** Whole nanoseconds as decimal seconds, exactly and without an exponent. */
export function secondsOf(nanoseconds: bigint): string {
  const digits = nanoseconds.toString().padStart(10, "0");
  const [whole, fraction] = [digits.slice(0, -9), digits.slice(-9).replace(/0+$/, "")];
  return fraction === "" ? whole : `${whole}.${fraction}`;
}
