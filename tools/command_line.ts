/**
 * What the command lines of all scripts share: numbers in a range, and one-line errors.
 *
 * @module
 */

import { InvalidArgumentError } from "npm:@commander-js/extra-typings@15.1.0";

/** Makes a parser for an option's number, with the range in the error. */
export function numberBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !(value >= least && value <= most)) {
      throw new InvalidArgumentError(`A number from ${least} to ${most} is wanted.`);
    }
    return value;
  };
}

/**
 * Runs a script's work and ends the process with its exit status; an error becomes one line on
 * standard error and status 1.
 */
export async function exitWith(work: () => Promise<number>): Promise<never> {
  try {
    Deno.exit(await work());
  } catch (error) {
    console.error(`error: ${oneLine(error)}`);
    Deno.exit(1);
  }
}

/** An error in one line for people. */
export function oneLine(error: unknown): string {
  if (error instanceof Deno.errors.BrokenPipe) return "Whoever read the output went away";
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s*\n\s*/g, " ");
}
