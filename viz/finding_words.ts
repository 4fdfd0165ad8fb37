/**
 * Findings in words, for a terminal and for pages.
 *
 * @module
 */

import type { Evidence, Finding } from "../metrics/findings/finding.ts";
import { percent } from "../metrics/findings/words.ts";
import { printable } from "../system/printable.ts";
import { duration, size } from "./format.ts";
import { integer, significant } from "./series.ts";

/** What a kind of damage means for the server's clients. */
export const SEVERITY_WORDS: Readonly<Record<Finding["severity"], string>> = {
  lost: "LOST",
  slow: "SLOW",
  risk: "RISK",
};

/** A figure with its unit and its bounds: `5.02 ms (4.72 ms to 5.24 ms)`. */
export function figureText({ unit, value, lower, upper }: Evidence): string {
  const text = (figure: number) => amount(figure, unit);
  if (lower === undefined || upper === undefined) return text(value);
  if (text(lower) === text(upper)) return text(value);
  return upper === value
    ? `${text(value)} (at least ${text(lower)})`
    : `${text(value)} (${text(lower)} to ${text(upper)})`;
}

function amount(value: number, unit: string): string {
  switch (unit) {
    case "ratio":
      return percent(value);
    case "ns":
      return duration(value);
    case "seconds":
      return duration(value * 1e9);
    case "bytes":
      return size(value);
    default:
      return printable(`${Number.isInteger(value) ? integer(value) : significant(value)} ${unit}`);
  }
}

/** What a finding rests on, as metrics or fields of the document. */
export function sourcesOf({ evidence }: Finding): string[] {
  return [...new Set(evidence.map(({ source }) => printable(source)))];
}
