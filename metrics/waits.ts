/**
 * What the thread that serves a packet waits for.
 *
 * @module
 */

/** By their numbers in `@wait` of the programs; `running` is the rest, no wait. */
export const CAUSES = [
  "running",
  "run_queue",
  "lock",
  "disk",
  "network",
  "memory",
  "other",
] as const;

/** A cause. */
export type Cause = typeof CAUSES[number];

/** The position of a cause in that order; last for an unknown name. */
export function causePlace(name = ""): number {
  const place = (CAUSES as readonly string[]).indexOf(name);
  return place < 0 ? CAUSES.length : place;
}
