/**
 * Log-linear histograms: 8 buckets per octave, as in the BPF programs.
 *
 * @module
 */

/** A bucket with its bounds in the unit of the metric: lower inclusive, upper exclusive. */
export interface Bucket {
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
}

/** A quantile: the middle of its bucket, or the integer that is alone in it, and the bucket's bounds. */
export interface Quantile {
  readonly q: number;
  readonly value: number;
  readonly lower: number;
  readonly upper: number;
}

/** The quantiles that a document publishes. */
export const QUANTILES = [0.5, 0.9, 0.95, 0.99, 0.999] as const;

/** The bucket of a value: below 8 the value itself, above it 8 per power of two. */
export function bucketOf(value: number): number {
  if (value < 8) return Math.floor(value);
  const octave = Math.floor(Math.log2(value));
  // log2 may round up just below a power of two.
  const e = 2 ** octave > value ? octave - 1 : octave;
  return (e - 2) * 8 + Math.floor(value / 2 ** (e - 3)) % 8;
}

/** The bounds of a bucket: lower inclusive, upper exclusive, at most 12.5 % apart from 8 on. */
export function boundsOf(bucket: number): { lower: number; upper: number } {
  if (bucket < 8) return { lower: bucket, upper: bucket + 1 };
  const e = Math.floor(bucket / 8) + 2;
  const width = 2 ** (e - 3);
  const lower = (8 + bucket % 8) * width;
  return { lower, upper: lower + width };
}

/** The rank of a quantile among `total` events, from 1: nearest rank. */
export function rankOf(q: number, total: number): number {
  return Math.max(1, Math.ceil(q * total));
}

/** Whether a bucket has one integer: our values are integers. */
export function isSingle({ lower, upper }: Omit<Bucket, "count">): boolean {
  return Number.isInteger(lower) && upper === lower + 1;
}

/** A quantile whose event is in a bucket: its middle, or the integer that is alone in it. */
export function quantileIn(q: number, { lower, upper }: Omit<Bucket, "count">): Quantile {
  return { q, value: isSingle({ lower, upper }) ? lower : (lower + upper) / 2, lower, upper };
}

/**
 * Finds a quantile by nearest rank.
 *
 * @param buckets in ascending order, at least one event in all.
 * @throws {RangeError} when there is no event.
 */
export function quantile(buckets: readonly Bucket[], q: number): Quantile {
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) throw new RangeError("Cannot find a quantile of no events");
  const rank = rankOf(q, total);
  let seen = 0;
  for (const bucket of buckets) {
    seen += bucket.count;
    if (seen >= rank) return quantileIn(q, bucket);
  }
  throw new RangeError(`Cannot find quantile ${q}: expected a number from 0 to 1`);
}

/**
 * The published quantiles, in one pass.
 *
 * @param buckets in ascending order, at least one event in all.
 */
export function quantilesOf(buckets: readonly Bucket[]): Quantile[] {
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  const found: Quantile[] = [];
  let seen = 0;
  for (const bucket of buckets) {
    seen += bucket.count;
    while (found.length < QUANTILES.length && seen >= rankOf(QUANTILES[found.length]!, total)) {
      found.push(quantileIn(QUANTILES[found.length]!, bucket));
    }
  }
  return found;
}
