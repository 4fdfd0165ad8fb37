/**
 * Answers that may be unknown, and what follows from several of them.
 *
 * @module
 */

/** True, false, or null: not known. */
export type Tristate = boolean | null;

/** Whether all hold. */
export function and(answers: readonly Tristate[]): Tristate {
  if (answers.includes(false)) return false;
  return answers.includes(null) ? null : true;
}

/** Whether one holds. */
export function or(answers: readonly Tristate[]): Tristate {
  if (answers.includes(true)) return true;
  return answers.includes(null) ? null : false;
}

/** The contrary. */
export const not = (answer: Tristate): Tristate => answer === null ? null : !answer;
