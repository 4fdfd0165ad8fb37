/**
 * Compares two runs: reads both, prints the result, writes the report, checks the conditions.
 *
 * @module
 */

import { compareSides } from "../../metrics/comparison/compare_sides.ts";
import { readSide } from "../../metrics/comparison/side.ts";
import { ensureOutputFolder, print, say } from "../../system/command_line.ts";
import { printableJson } from "../../system/printable.ts";
import { writeComparison } from "../../viz/report/write_comparison.ts";
import { comparisonText } from "./comparison_text.ts";
import { check, type Condition } from "./conditions.ts";

/** What is done besides the comparison. */
export interface CompareOptions {
  readonly json: boolean;
  readonly strict: boolean;
  readonly conditions: readonly Condition[];
  /** Where a report goes. */
  readonly output?: string;
}

/**
 * Compares two files or spans.
 *
 * @returns the exit status: 0, 1 if a condition could not be checked, 3 with `strict`, or 4 if a condition holds.
 * @throws {Error} in one line when a file cannot be read.
 */
export async function compareRuns(
  before: string,
  after: string,
  { json, strict, conditions, output }: CompareOptions,
): Promise<number> {
  const sides = { before: await readSide(before), after: await readSide(after) };
  const comparison = compareSides(sides.before, sides.after);
  if (json) print(`${printableJson(JSON.stringify(comparison, null, 2))}\n`);
  else print(comparisonText(comparison, Deno.stdout.isTerminal() && !Deno.noColor));
  if (output !== undefined) {
    const folder = await ensureOutputFolder(output);
    const paths = await writeComparison(comparison, sides, folder);
    say(`${paths[0]}, ${paths.length - 1} files of charts`);
  }
  const outcomes = conditions.map((condition) => check(condition, comparison));
  for (const { text, result, why } of outcomes) {
    if (result === "holds") say(`"${text}" holds: ${why}`);
    if (result === "not checked") say(`error: Cannot check "${text}": ${why}`);
  }
  const has = (result: string) => outcomes.some((outcome) => outcome.result === result);
  if (has("holds")) return 4;
  if (has("not checked")) return 1;
  const isWhole = comparison.verdict !== "cannot say" &&
    [comparison.before, comparison.after].every(({ verdict }) => verdict === "COMPLETE");
  return strict && !isWhole ? 3 : 0;
}
