/**
 * The stages of a packet's way through Kea.
 *
 * @module
 */

/**
 * In the order of time. `before`, `allocate` and `after` are those of the profile `standard`; `deep` has
 * the finer ones, and `other` for what it cannot tell.
 */
export const STAGES = [
  "queue",
  "parse",
  "select",
  "before",
  "allocate",
  "commit",
  "pack",
  "send",
  "after",
  "other",
] as const;

/** A stage. */
export type Stage = typeof STAGES[number];

/** Where a stage stands in the order of time; behind all others for a name that is none. */
export function stagePlace(name = ""): number {
  const place = (STAGES as readonly string[]).indexOf(name);
  return place < 0 ? STAGES.length : place;
}
