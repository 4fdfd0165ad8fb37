/**
 * The stages of a packet in Kea.
 *
 * @module
 */

/**
 * In the order of time. `before`, `allocate` and `after` belong to the profile `standard`; `deep` has the finer
 * ones, and `other` for the rest.
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

/** The position of a stage in the order of time; last for an unknown name. */
export function stagePlace(name = ""): number {
  const place = (STAGES as readonly string[]).indexOf(name);
  return place < 0 ? STAGES.length : place;
}
