/**
 * How long to wait before a request is sent again.
 *
 * @module
 */

/** First and longest wait between two attempts, milliseconds. */
const BACKOFF_MS = { first: 1000, longest: 60_000 };

/**
 * Milliseconds until the next attempt: doubled each time, with 50 % jitter, and not before the receiver says.
 *
 * @param afterMs what the receiver's Retry-After says, milliseconds.
 * @param attempt how many there were.
 */
export function waitFor(
  afterMs: number | null,
  attempt: number,
  random: () => number = Math.random,
): number {
  const backoff = Math.min(BACKOFF_MS.first * 2 ** (attempt - 1), BACKOFF_MS.longest);
  return Math.max(afterMs ?? 0, backoff * (0.5 + random() / 2));
}
