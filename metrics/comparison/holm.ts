/**
 * Holm's correction: of many comparisons, some look like a difference by chance alone.
 *
 * @module
 */

/** The corrected result of one comparison. */
export interface Corrected {
  /** The corrected probability of such a difference by chance alone. */
  readonly p: number;
  /** The level that the comparison was tested at: its interval excludes zero exactly if it is significant. */
  readonly level: number;
}

/**
 * Corrects probabilities by Holm's step-down method (1979). The chance of even one false difference stays below
 * `level`, whatever the comparisons have to do with each other: one false alarm can stop an upgrade. (Benjamini and
 * Hochberg's method finds more, but lets a share of what it finds be false.)
 *
 * @returns the results in the order of the probabilities.
 */
export function holm(probabilities: readonly number[], level: number): Corrected[] {
  const order = probabilities.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p);
  const corrected = new Array<Corrected>(probabilities.length);
  let largest = 0;
  let firstKept: number | null = null;
  order.forEach(({ p, index }, rank) => {
    const left = order.length - rank;
    largest = Math.max(largest, Math.min(1, p * left));
    // After the first that is not significant, the others are tested at its level.
    if (largest > level) firstKept ??= left;
    corrected[index] = { p: largest, level: level / (firstKept ?? left) };
  });
  return corrected;
}
