/**
 * A span of a run, as a user names it: `FILE@12:00-12:10`.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { resolveUserPath } from "../../system/command_line.ts";
import { InputError } from "../input/input_lines.ts";

/** From one moment to another; either may be open. */
export interface Span {
  /**
   * Milliseconds since 1970. A time of day is the first one after the start of the run; up to an hour before it means
   * that start.
   *
   * @param start of the run, RFC 3339.
   */
  edgesOf(start: string): { readonly from: number; readonly to: number };
}

const CLOCK = String.raw`\d{1,2}:\d\d(?::\d\d(?:\.\d{1,3})?)?`;
const MOMENT = String.raw`(?:\d{4}-\d\d-\d\dT)?${CLOCK}`;
const SPAN = new RegExp(`^(.+)@(${MOMENT})?-(${MOMENT})?$`);

const [HOUR_MS, DAY_MS] = [3_600_000, 86_400_000];

/**
 * Splits what a user gave into the file and its span. Times are UTC, as in the report. A file whose own name ends like
 * a span is taken as it is.
 *
 * @throws {InputError} when there is an "@" with something else behind it, and no such file.
 */
export function spanIn(name: string): { readonly path: string; readonly span: Span | null } {
  const isFile = name === "-" || existsSync(resolveUserPath(name));
  if (isFile || !name.includes("@")) return { path: name, span: null };
  const [, path, from, to] = SPAN.exec(name) ?? [];
  const edges = [from, to].map((moment) => moment === undefined ? null : parsed(moment));
  const isValid = path !== undefined && (from ?? to) !== undefined &&
    edges.every((edge) => edge === null || !Number.isNaN(edge.ms));
  if (!isValid) {
    throw new InputError(
      `Cannot read "${name}": expected FILE, or FILE@FROM-TO with times of day in UTC such as ` +
        "12:00-12:10:30, -12:00 or 12:00-",
    );
  }
  return { path, span: { edgesOf: (start) => edgesAt(start, edges[0]!, edges[1]!) } };
}

/** A moment: milliseconds since 1970, or since midnight. */
interface Moment {
  readonly ms: number;
  readonly isOfDay: boolean;
}

function parsed(moment: string): Moment {
  const isOfDay = !moment.includes("T");
  const [date, clock] = isOfDay ? ["1970-01-01", moment] : moment.split("T") as [string, string];
  const [hours, ...rest] = clock.split(":");
  const [minutes, seconds = "00"] = rest;
  return { ms: Date.parse(`${date}T${hours!.padStart(2, "0")}:${minutes}:${seconds}Z`), isOfDay };
}

function edgesAt(start: string, from: Moment | null, to: Moment | null) {
  const began = Date.parse(start);
  const begins = from === null ? -Infinity : momentAfter(began - HOUR_MS, from);
  return {
    from: begins,
    to: to === null ? Infinity : momentAfter(Math.max(begins, began), to),
  };
}

/** The first moment after another, so that a span may pass midnight. */
function momentAfter(least: number, { ms, isOfDay }: Moment): number {
  if (!isOfDay) return ms;
  const today = Math.floor(least / DAY_MS) * DAY_MS + ms;
  return today < least ? today + DAY_MS : today;
}
