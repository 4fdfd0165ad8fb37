/**
 * Reads what `bpftrace -f json` prints, of versions 0.17 to 0.27.
 *
 * @module
 */

import { type Json, parseExact } from "../probes/exact_json.ts";
import {
  BpftraceOutputError,
  GREATEST,
  LEAST,
  type PrintedBucket,
  type PrintedValue,
  type Printing,
} from "./printings.ts";

/** Values that some versions print without quotes: of strftime, strerror, macaddr, cgroup_path. */
const UNQUOTED =
  /^\{"type": "(?:map|value)", "data": \{"(@\w*)": (?!["[{]).*\}\}$|^\{"type": "map", "data": \{"(@\w*)": \{".*": (?!["[{]).*\}\}\}$/s;

/** How versions before 0.20 print their last bucket: all values from 2^31 on. */
const [OLD_LAST, OLD_LAST_MIN] = [2 ** 31, -(2 ** 31)];

/** A count of a bucket, and what comes before all of them: a string with an escaped byte. */
const COUNT = /"count": ([0-9a-f]+)(?=[,}])/g;
const ESCAPED = /\\u/;

/**
 * Reads lines.
 *
 * @throws {BpftraceOutputError} for a line that is not JSON in a way that is not known, or not what
 * bpftrace prints.
 */
export async function* jsonPrintings(
  lines: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<Printing> {
  let number = 0;
  const counts = new Counts();
  for await (const line of lines) {
    number++;
    // Versions up to 0.23 print empty lines before the maps.
    if (line.trim() === "") continue;
    const unquoted = UNQUOTED.exec(line);
    let parsed: Json;
    try {
      parsed = parseExact(counts.decimal(line, number));
    } catch (error) {
      if (error instanceof BpftraceOutputError) throw error;
      if (unquoted === null) throw new BpftraceOutputError(number, "it is not JSON");
      const value = { kind: "other", why: `Its value is no number (line ${number})` } as const;
      const map = (unquoted[1] ?? unquoted[2])!;
      yield { type: "entry", map, key: null, value, begins: true };
      continue;
    }
    yield* printingsOf(parsed, number);
  }
}

/**
 * Mends the counts of buckets: from 0.24 on bpftrace prints them in hexadecimal behind the first
 * string with an escaped byte, and never goes back.
 */
class Counts {
  /** Whether this version does that; null while it is not known. */
  #isHexadecimal: boolean | null = null;
  #escaped = false;

  decimal(line: string, number: number): string {
    if (line.startsWith('{"type": "attached_probes"')) {
      this.#isHexadecimal = line.startsWith('{"type": "attached_probes", "count"');
    }
    const escape = ESCAPED.exec(line)?.index ?? Infinity;
    const escaped = this.#escaped;
    if (escape < Infinity) this.#escaped = true;
    if (!this.#escaped || !line.startsWith('{"type": "hist"')) return line;
    return line.replaceAll(COUNT, (whole, digits: string, at: number) => {
      if (!escaped && at < escape) return whole;
      if (this.#isHexadecimal === false) return whole;
      if (/[a-f]/.test(digits)) this.#isHexadecimal = true;
      if (this.#isHexadecimal) return `"count": ${parseInt(digits, 16)}`;
      if (digits.length === 1) return whole;
      throw new BpftraceOutputError(
        number,
        `its counts may be hexadecimal, which bpftrace does not tell without its first line`,
      );
    });
  }
}

function* printingsOf(parsed: Json, line: number): Generator<Printing> {
  const { type, data, msg } = objectOf(parsed, line);
  switch (type) {
    case "attached_probes":
      return;
    case "map":
    case "hist":
    case "stats":
      for (const [map, value] of Object.entries(objectOf(data, line))) {
        if (!/^@\w*$/.test(map)) throw new BpftraceOutputError(line, "a map's name is damaged");
        yield* entriesOf(type, map, value, line);
      }
      return;
    case "printf":
    case "time":
    case "cat":
    case "join":
    case "syscall":
      yield { type: "text", text: String(data) };
      return;
    case "value":
      yield { type: "text", text: `${typeof data === "string" ? data : JSON.stringify(data)}\n` };
      return;
    case "tseries":
      for (const map of Object.keys(objectOf(data, line))) {
        const value = { kind: "other", why: "It is a series over time" } as const;
        yield { type: "entry", map, key: null, value, begins: true };
      }
      return;
    case "lost_events":
      yield { type: "complaint", what: "bpftrace lost events", line };
      return;
    case "helper_error":
    case "runtime_error":
    case "errorf":
    case "warnf":
      yield { type: "complaint", what: `${type}${msg ? `: ${String(msg)}` : ""}`, line };
      return;
    case "test_result":
    case "benchmark_result":
      yield { type: "text", text: `${JSON.stringify(data)}\n` };
      return;
    default:
      throw new BpftraceOutputError(line, `type ${JSON.stringify(type)} is not known`);
  }
}

function* entriesOf(
  type: "map" | "hist" | "stats",
  map: string,
  value: Json,
  line: number,
): Generator<Printing> {
  const single = valueOf(type, value, line);
  if (single !== null) {
    yield { type: "entry", map, key: null, value: single, begins: true };
    return;
  }
  let begins = true;
  for (const [key, each] of Object.entries(objectOf(value, line))) {
    const of = valueOf(type, each, line) ?? { kind: "other", why: "Its value is no number" };
    yield { type: "entry", map, key, value: of, begins };
    begins = false;
  }
}

/** A value; null for an object of values by key. */
function valueOf(type: "map" | "hist" | "stats", value: Json, line: number): PrintedValue | null {
  if (type === "hist") return Array.isArray(value) ? histogram(value, line) : null;
  if (type === "stats") {
    if (isInteger(value)) return { kind: "average", value: Number(value) };
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new BpftraceOutputError(line, "a map's value is damaged");
    }
    const { count, average, total } = value;
    if (!isInteger(count) || !isInteger(average) || !isInteger(total)) return null;
    return { kind: "stats", count, average: Number(average), total };
  }
  if (isInteger(value)) return { kind: "integer", value };
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return null;
  return { kind: "other", why: "Its value is no number" };
}

function histogram(printed: readonly Json[], line: number): PrintedValue {
  const buckets: PrintedBucket[] = [];
  for (const each of printed) {
    const { min, max, count } = objectOf(each, line);
    const isOldLast = min === OLD_LAST_MIN && max === 0;
    const lower = isOldLast ? OLD_LAST : boundOf(min, LEAST, 0, line);
    const upper = isOldLast ? GREATEST : boundOf(max, GREATEST, 1, line);
    const isRight = lower < upper && lower >= (buckets.at(-1)?.upper ?? LEAST) &&
      typeof count === "number" && Number.isSafeInteger(count) && count >= 0;
    if (!isRight) throw new BpftraceOutputError(line, "a histogram is damaged");
    buckets.push({ lower, upper, count });
  }
  return { kind: "histogram", buckets };
}

/** Both bounds of bpftrace are inclusive; an end that is open has none. */
function boundOf(value: Json | undefined, open: number, more: 0 | 1, line: number): number {
  if (value === undefined) return open;
  if (isInteger(value)) return Number(value) + more;
  throw new BpftraceOutputError(line, "a histogram is damaged");
}

function isInteger(value: Json | undefined): value is number | string {
  if (typeof value === "number") return Number.isSafeInteger(value);
  return typeof value === "string" && /^-?\d{16,20}$/.test(value);
}

function objectOf(value: Json | undefined, line: number): { [key: string]: Json } {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new BpftraceOutputError(line, "it is not what bpftrace prints");
}
