/**
 * Our buckets in the two kinds of histogram that OTLP has.
 *
 * @module
 */

import type { HistogramValue } from "../prometheus/accumulator.ts";
import { exponentialOf } from "../prometheus/buckets.ts";

/** The bounds reach from 2^10 ns (1 us) to 2^34 ns (17 s), eight per octave: each of ours is one. */
const [FIRST_OCTAVE, LAST_OCTAVE, PER_OCTAVE] = [10, 34, 8];

/** The 193 explicit bounds, nanoseconds, the same for each usual histogram and request. */
export const BOUNDS_NS: readonly number[] = [
  ...Array.from(
    { length: (LAST_OCTAVE - FIRST_OCTAVE) * PER_OCTAVE },
    (_, index) =>
      2 ** (FIRST_OCTAVE + Math.floor(index / PER_OCTAVE)) * (1 + index % PER_OCTAVE / PER_OCTAVE),
  ),
  2 ** LAST_OCTAVE,
];

/** A histogram between explicit bounds. */
export interface ExplicitBuckets {
  /** In seconds: the doubles that are nearest, which decimal text also gives. */
  readonly bounds: number[];
  /** One more than there are bounds, empty ones too. */
  readonly counts: bigint[];
}

/** A histogram between its own bounds, or {@linkcode BOUNDS_NS}. */
export function explicitOf({ buckets, bounds = BOUNDS_NS }: HistogramValue): ExplicitBuckets {
  const counts = new Array<bigint>(bounds.length + 1).fill(0n);
  const ascending = [...buckets.values()].sort((a, b) => a.upper - b.upper);
  let at = 0;
  for (const { upper, count } of ascending) {
    while (at < bounds.length && bounds[at]! < upper) at++;
    counts[at]! += count;
  }
  return { bounds: bounds.map((bound) => bound / 1e9), counts };
}

/** The buckets of an exponential histogram. */
export interface DenseBuckets {
  /** Bucket i reaches from 2^((offset + i) / 16) s, exclusive, to the next power, inclusive. */
  readonly offset: number;
  readonly counts: bigint[];
  /** Events of no time at all. */
  readonly zero: bigint;
}

/** A histogram in exponential buckets of scale 4, without gaps. */
export function denseOf(value: HistogramValue): DenseBuckets {
  const { counts, zero } = exponentialOf(value);
  if (counts.length === 0) return { offset: 0, counts: [], zero };
  const [first, last] = [counts[0]![0], counts.at(-1)![0]];
  const dense = new Array<bigint>(last - first + 1).fill(0n);
  for (const [index, count] of counts) dense[index - first] = count;
  // A bucket has the number of its upper bound in Prometheus, of its lower one here.
  return { offset: first - 1, counts: dense, zero };
}
