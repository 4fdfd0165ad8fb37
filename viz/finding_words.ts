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

/** A finding's number and sentence. */
export function titleOf({ severity, sentence }: Finding, index: number): string {
  return `${index + 1}. ${SEVERITY_WORDS[severity]}: ${sentence}`;
}

/** What is said where nothing was found: it holds for what was seen, and no further. */
export function nothingFound(notSeen: readonly string[]): string {
  return `Nothing is wrong or slow in what was seen.${restText(notSeen)}`;
}

/** A reminder to put behind a conclusion; empty if all was seen. */
export function restText(notSeen: readonly string[]): string {
  return notSeen.length === 0 ? "" : " Not everything was seen.";
}

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
