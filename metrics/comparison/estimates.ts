/**
 * Figures of a series on one side, and how far chance may have moved them.
 *
 * @module
 */

import { type Bucket, rankOf } from "../histogram.ts";
import { type BlockBootstrap, DRAWS } from "./block_bootstrap.ts";
import type { Observations, Observed } from "./observed.ts";

/** The figures of times that are compared. */
export const TIME_STATISTICS = ["mean", "p50", "p99"] as const;
/** A figure of times. */
export type TimeStatistic = typeof TIME_STATISTICS[number];

/** A figure with its standard error. */
export interface Estimate {
  readonly value: number;
  /** Of the figure, or of its logarithm; null if there is not enough data to know it. */
  readonly error: number | null;
  /** Degrees of freedom of the error. */
  readonly degrees: number;
  /** The figure in each part of the run, see {@linkcode PARTS}; without those in which there was no event. */
  readonly parts: readonly number[];
}

/** Successive parts of a run, in each of which a change must be seen. */
const PARTS = 5;

/** The quantiles of the figures, and the least number of events for each figure. */
const QUANTILE = { mean: null, p50: 0.5, p99: 0.99 } as const;
/** Ten events beyond the quantile. */
const LEAST_EVENTS: Readonly<Record<TimeStatistic, number>> = { mean: 20, p50: 20, p99: 1000 };

/** Fewer blocks have no spread to rely on. */
const LEAST_BLOCKS = 4;

/** A figure of times; the error is that of its logarithm. Null without events, or for a mean without sums. */
export function timeEstimate(
  { bootstraps }: Observations,
  series: Observed,
  statistic: TimeStatistic,
): Estimate | null {
  const { counts, sums, buckets, total } = series;
  if (total === 0) return null;
  const q = QUANTILE[statistic];
  if (q === null && sums === null) return null;
  const figureOf = (part: Part) =>
    q === null ? sumOf(part(sums!)) / sumOf(part(counts)) : interpolated(
      buckets.map(({ counts, ...bounds }) => ({ ...bounds, count: sumOf(part(counts)) })),
      q,
    );
  const value = figureOf((windows) => windows);
  const parts = partsOf(counts.length).map(figureOf).filter((figure) => figure > 0);
  if (total < LEAST_EVENTS[statistic] || value <= 0) {
    return { value, error: null, degrees: 0, parts };
  }
  const draw = (bootstrap: BlockBootstrap) =>
    q === null ? ratios(bootstrap.sums(sums!), bootstrap.sums(counts)) : quantiles(
      buckets.map(({ counts, ...rest }) => ({ ...rest, drawn: bootstrap.sums(counts) })),
      q,
    );
  return {
    value,
    parts,
    ...largerError(bootstraps.map((bootstrap) => {
      // A draw without any event has no figure.
      const known = draw(bootstrap).filter((each) => each > 0).map(Math.log);
      return {
        error: known.length < 0.9 * DRAWS ? null : bootstrap.standardError(known),
        blocks: bootstrap.blocksWith(counts),
      };
    })),
  };
}

/**
 * Events per second or per received packet. Null if there is no such second or packet.
 *
 * @param step the least that a count can change: 1 event, or a clock tick.
 */
export function rateEstimate(
  { bootstraps }: Observations,
  { counts, total }: Observed,
  exposure: Float64Array,
  step: number,
): Estimate | null {
  const all = sumOf(exposure);
  if (all === 0) return null;
  // Rare events: one more or less would have been no surprise, also where there was none.
  const counting = Math.sqrt(Math.max(total, step) * step) / all;
  return {
    value: total / all,
    parts: partsOf(counts.length).map((part) => sumOf(part(counts)) / sumOf(part(exposure)))
      .filter(Number.isFinite),
    ...largerError(bootstraps.map((bootstrap) => {
      const drawn = ratios(bootstrap.sums(counts), bootstrap.sums(exposure)).filter(
        Number.isFinite,
      );
      return {
        error: Math.max(bootstrap.standardError(drawn), counting),
        blocks: bootstrap.blocks,
      };
    })),
  };
}

/** A part of some windows. */
type Part = (windows: Float64Array) => Float64Array;

function partsOf(windows: number): Part[] {
  const edge = (part: number) => Math.round(part * windows / PARTS);
  return Array.from(
    { length: PARTS },
    (_, part) => (values: Float64Array) => values.subarray(edge(part), edge(part + 1)),
  );
}

/** The larger of the errors with short and with long blocks; null if there are too few blocks. */
function largerError(
  errors: readonly { readonly error: number | null; readonly blocks: number }[],
): Pick<Estimate, "error" | "degrees"> {
  let largest: Pick<Estimate, "error" | "degrees"> = { error: null, degrees: 0 };
  for (const { error, blocks } of errors) {
    if (error === null || blocks < LEAST_BLOCKS) return { error: null, degrees: 0 };
    if (largest.error === null || error > largest.error) largest = { error, degrees: blocks - 1 };
  }
  return largest;
}

/**
 * A quantile, as if the events of a bucket were evenly spread in it. So a small change of the share of events does not
 * become a change by a whole bucket.
 *
 * @param buckets ascending.
 */
export function interpolated(buckets: readonly Bucket[], q: number): number {
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  const rank = rankOf(q, total);
  let seen = 0;
  for (const { lower, upper, count } of buckets) {
    if (seen + count >= rank) return lower + (upper - lower) * (rank - 0.5 - seen) / count;
    seen += count;
  }
  return NaN;
}

interface DrawnBucket {
  readonly lower: number;
  readonly upper: number;
  readonly drawn: Float64Array;
}

function quantiles(buckets: readonly DrawnBucket[], q: number): Float64Array {
  const draws = buckets[0]?.drawn.length ?? 0;
  return Float64Array.from({ length: draws }, (_, draw) => {
    let total = 0;
    for (const { drawn } of buckets) total += drawn[draw]!;
    const rank = Math.max(1, Math.ceil(q * total));
    let seen = 0;
    for (const { lower, upper, drawn } of buckets) {
      const count = drawn[draw]!;
      if (seen + count >= rank) return lower + (upper - lower) * (rank - 0.5 - seen) / count;
      seen += count;
    }
    return NaN;
  });
}

function ratios(above: Float64Array, below: Float64Array): Float64Array {
  return above.map((value, index) => value / below[index]!);
}

function sumOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
