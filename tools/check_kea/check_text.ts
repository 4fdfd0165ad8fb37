/**
 * The result of `check-kea` for people.
 *
 * @module
 */

import type { Difference } from "./differences.ts";

/** How many names a line shows. */
const NAMES = 6;

/**
 * Renders the differences: what the monitor needs, then what differs and needs nothing.
 *
 * @param words functions in C++ words, by mangled name.
 */
export function checkText(
  now: string,
  before: string,
  differences: readonly Difference[],
  words: ReadonlyMap<string, string> = new Map(),
): string {
  const line = ({ about, what, names = [] }: Difference) => {
    const shown = names.slice(0, NAMES).map((name) => words.get(name) ?? name);
    const more = names.length - shown.length;
    const list = [...shown, ...more > 0 ? [`${more} more`] : []].join(", ");
    return `  ${about}: ${what}${list === "" ? "" : `: ${list}`}`;
  };
  const needs = differences.filter(({ toDo }) => toDo !== null);
  const others = differences.filter(({ toDo }) => toDo === null);
  return [
    `${now}, compared with ${before}`,
    "",
    ...needs.length === 0
      ? ["Nothing to do: every probe site is there, and nothing that the monitor reads is gone"]
      : ["To do", ...needs.flatMap((each) => [line(each), `    ${each.toDo}`])],
    ...others.length === 0 ? [] : ["", "Different, nothing to do", ...others.map(line)],
  ].join("\n");
}
