/**
 * Ratios of paired measurements, with their spread.
 *
 * @module
 */

import { mulberry32 } from "../system/mulberry32.ts";

/** A median with its 95 % confidence interval. */
export interface Estimate {
  readonly median: number;
  readonly lower: number;
  readonly upper: number;
}

/**
 * Estimates the median of ratios and its 95 % confidence interval (percentile bootstrap, 2,000 draws from a
 * fixed seed, so that the same figures give the same interval).
 *
 * @throws {RangeError} without any value.
 */
export function estimate(values: readonly number[]): Estimate {
  if (values.length === 0) throw new RangeError("Cannot estimate from no values");
  const random = mulberry32(42);
  const medians = Array.from(
    { length: 2000 },
    () => median(values.map(() => values[Math.floor(random() * values.length)]!)),
  );
  medians.sort((a, b) => a - b);
  return { median: median(values), lower: medians[50]!, upper: medians[1949]! };
}

/** The middle value; the mean of the two middle ones of an even number. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
