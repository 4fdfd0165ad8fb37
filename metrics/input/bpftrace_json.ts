/**
 * Reads the output of `bpftrace -f json`, 0.17 to 0.27, also if jq has formatted it, sorted its members or made
 * an array of it.
 *
 * @module
 */

import { KeyText } from "./key_text.ts";
import { Digits, Members, MessageParser, type MessageValue } from "./message_parser.ts";
import {
  added,
  type BpftraceEvent,
  BpftraceOutputError,
  GREATEST,
  integer,
  LEAST,
  type PrintedBucket,
  type PrintedValue,
  warningOf,
} from "./bpftrace_events.ts";

/** Types of bpftrace's messages. */
const TYPES = [
  ...["attached_probes", "map", "hist", "stats", "tseries", "printf", "time", "cat", "join"],
  ...["syscall", "value", "lost_events", "helper_error", "runtime_error", "errorf", "warnf"],
  ...["test_result", "benchmark_result"],
];

/** The beginning of a message whose value some versions print without quotes. */
const MAP_MESSAGE = /^\{"type": "(map|value)", "data": \{"(@\w*)": /;
/** A value without quotes: of strftime, strerror, macaddr, cgroup_path. */
const UNQUOTED = /": [^"[{]/;

/** How versions before 0.20 print their last bucket: all values from 2^31 on. */
const [OLD_LAST, OLD_LAST_MIN] = [2 ** 31, -(2 ** 31)];

/** Longest message over several lines that is read, characters. */
const LONGEST_MESSAGE = 64 * 2 ** 20;

/** Whether a line can only be the beginning of bpftrace's JSON. */
export function isBpftraceJson(line: string): boolean {
  const text = line.trim();
  if (text === "{" || text === "[") return true;
  if (!/^\[?\s*\{/.test(text)) return false;
  // jq may have sorted the members.
  for (const [, type] of text.matchAll(/"type":\s*"(\w+)"/g)) {
    if (TYPES.includes(type!)) return true;
  }
  return false;
}

/** Reads lines, one after the other. */
export class JsonReader {
  readonly #parser = new MessageParser();
  readonly #keys = new KeyText();
  #line = 0;
  #hasHeader = false;
  /** Whether this version prints counts in hexadecimal behind an escape; null where unknown. */
  #isHexadecimal: boolean | null = null;
  /** A message over several lines: its indentation, and what has been read of it. */
  #spread: { readonly end: RegExp; readonly lines: string[]; length: number } | null = null;
  #isInArray = false;

  /**
   * Reads a line.
   *
   * @param number its number, from 1.
   * @throws {BpftraceOutputError} for a line that is neither JSON nor a known deviation from it, or that is not
   * bpftrace's.
   */
  *read(line: string, number: number): Generator<BpftraceEvent> {
    this.#line = number;
    if (this.#spread !== null) {
      this.#spread.lines.push(line);
      this.#spread.length += line.length;
      if (this.#spread.length > LONGEST_MESSAGE) this.#refuse("a message has over 64 MiB");
      if (!this.#spread.end.test(line)) return;
      const text = this.#spread.lines.join("\n");
      this.#spread = null;
      yield* this.#messages(text);
      if (/\]\s*$/.test(line)) this.#isInArray = false;
      return;
    }
    const text = line.trim();
    // Versions up to 0.23 print empty lines before the maps.
    if (text === "") return;
    if (text === "{") {
      const indentation = line.slice(0, line.indexOf("{"));
      this.#spread = {
        end: new RegExp(`^${indentation}\\}\\s*,?\\s*\\]?\\s*$`),
        lines: [line],
        length: 0,
      };
    } else if (/^(?:\[?\s*\{|\[$|[\],]+$)/.test(text)) {
      if (text.startsWith("[")) this.#isInArray = true;
      yield* this.#messages(text);
      if (text.endsWith("]")) this.#isInArray = false;
    } else if (/"type":|"data":/.test(text)) {
      this.#refuse("it is not JSON alone");
    } else {
      const what = warningOf(line);
      if (what !== null) yield { type: "warning", what, line: number };
      yield { type: "text", text: `${line}\n` };
    }
  }

  /** Ends the input; a message that is cut is refused, whatever its line's end. */
  *end(_isCut: boolean): Generator<BpftraceEvent> {
    if (this.#spread !== null) this.#refuse("a message has no end");
    if (!this.#isInArray) return;
    const what = "the array has no end: the output may be cut off";
    yield { type: "warning", what, line: this.#line };
  }

  *#messages(text: string): Generator<BpftraceEvent> {
    try {
      for (const message of this.#parser.values(text)) yield* this.#printings(message);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      const map = unquotedMap(text);
      if (map === null) this.#refuse("it is not JSON");
      yield this.#printing(map, [[null, other(`Its value is no number (line ${this.#line})`)]]);
    }
  }

  *#printings(message: MessageValue): Generator<BpftraceEvent> {
    const members = this.#members(message);
    const [type, data, msg] = ["type", "data", "msg"].map((name) => members.get(name));
    switch (type) {
      case "attached_probes":
        if (this.#hasHeader) this.#refuse("another run begins here: give one at a time");
        this.#hasHeader = true;
        // From 0.24 on.
        this.#isHexadecimal = members.get("count") !== undefined;
        if (this.#isHexadecimal) this.#keys.areEscapedOnce();
        return;
      case "map":
      case "hist":
      case "stats":
        for (const [map, value] of this.#members(data).list) {
          if (!/^@\w*$/.test(map)) this.#refuse("a map's name is damaged");
          yield this.#printing(map, this.#entries(type, value));
        }
        return;
      case "tseries":
        for (const [map] of this.#members(data).list) {
          yield this.#printing(map, [[null, other("It is a series over time")]]);
        }
        return;
      case "printf":
      case "time":
      case "cat":
      case "join":
      case "syscall":
        yield { type: "text", text: textOf(data) };
        return;
      case "value":
      case "test_result":
      case "benchmark_result":
        yield { type: "text", text: `${textOf(data)}\n` };
        return;
      case "lost_events":
        yield { type: "warning", what: "bpftrace lost events", line: this.#line };
        return;
      case "helper_error":
      case "runtime_error":
      case "errorf":
      case "warnf": {
        const why = [msg ?? members.get("helper")].filter((each) => typeof each === "string");
        yield { type: "warning", what: [type, ...why].join(": "), line: this.#line };
        return;
      }
      default:
        this.#refuse(`type ${JSON.stringify(textOf(type))} is not known`);
    }
  }

  /** A map with its entries; those whose keys are printed alike are added. */
  #printing(map: string, entries: Iterable<readonly [string | null, PrintedValue]>): BpftraceEvent {
    const values = new Map<string | null, PrintedValue>();
    let alike = 0;
    let doubt: string | null = null;
    for (const [key, value] of entries) {
      const before = values.get(key);
      if (before !== undefined) alike++;
      const both = before === undefined ? value : added(before, value);
      if (both === null) doubt = `two keys of ${map} are printed alike: only one of them is here`;
      values.set(key, both ?? value);
    }
    return { type: "map", map, values, times: 1, alike, line: this.#line, doubt, guess: null };
  }

  *#entries(
    type: "map" | "hist" | "stats",
    value: MessageValue,
  ): Generator<readonly [string | null, PrintedValue]> {
    const single = this.#value(type, value);
    if (single !== null) {
      yield [null, single];
      return;
    }
    for (const [key, each] of this.#members(value).list) {
      yield [this.#keys.read(key), this.#value(type, each) ?? other("Its value is no number")];
    }
  }

  /** A value; null for an object of values by key. */
  #value(type: "map" | "hist" | "stats", value: MessageValue): PrintedValue | null {
    if (type === "hist") return Array.isArray(value) ? this.#histogram(value) : null;
    const whole = wholeOf(value);
    if (type === "stats") {
      if (whole !== null) return { kind: "average", value: Number(whole) };
      const members = this.#members(value);
      const [count, average, total] = ["count", "average", "total"].map((name) =>
        wholeOf(members.get(name))
      );
      // A key may have the name of any of them.
      if (count == null || average == null || total == null) return null;
      return { kind: "stats", count, average: Number(average), total };
    }
    if (whole !== null) return { kind: "integer", value: whole };
    return value instanceof Members ? null : other("Its value is no number");
  }

  #histogram(printed: readonly MessageValue[]): PrintedValue {
    const buckets: PrintedBucket[] = [];
    for (const each of printed) {
      const members = this.#members(each);
      const [min, max] = [this.#bound(members, "min"), this.#bound(members, "max")];
      const isOldLast = min === OLD_LAST_MIN && max === 0;
      // Both bounds of bpftrace are inclusive; an end that is open has none.
      const lower = isOldLast ? OLD_LAST : min ?? LEAST;
      const upper = isOldLast || max === null ? GREATEST : max + 1;
      const count = this.#count(members.get("count"));
      if (!(lower < upper && lower >= (buckets.at(-1)?.upper ?? LEAST))) {
        this.#refuse("a histogram is damaged");
      }
      buckets.push({ lower, upper, count });
    }
    return { kind: "histogram", buckets };
  }

  #bound(bucket: Members, name: "min" | "max"): number | null {
    const value = bucket.get(name);
    if (value === undefined) return null;
    const whole = wholeOf(value);
    return whole === null ? this.#refuse("a histogram is damaged") : Number(whole);
  }

  /** Versions from 0.24 on print counts in hexadecimal after the first escaped byte. */
  #count(value: MessageValue | undefined): number {
    if (!(value instanceof Digits)) return this.#refuse("a histogram is damaged");
    const { text, isBehindEscape } = value;
    const mayBeHexadecimal = isBehindEscape && this.#isHexadecimal !== false;
    if (mayBeHexadecimal && /^[0-9a-f]*[a-f][0-9a-f]*$/.test(text)) this.#isHexadecimal = true;
    if (mayBeHexadecimal && this.#isHexadecimal === null && text.length > 1) {
      this.#refuse(
        "its counts may be hexadecimal, which is unknown without bpftrace's first line",
      );
    }
    const isRead = mayBeHexadecimal && this.#isHexadecimal;
    const count = (isRead ? /^[0-9a-f]+$/ : /^\d+$/).test(text)
      ? parseInt(text, isRead ? 16 : 10)
      : NaN;
    return Number.isSafeInteger(count) ? count : this.#refuse("a histogram is damaged");
  }

  #members(value: MessageValue | undefined): Members {
    return value instanceof Members ? value : this.#refuse("it is not what bpftrace prints");
  }

  #refuse(why: string): never {
    throw new BpftraceOutputError(this.#line, why);
  }
}

/** The map of a message that is no JSON because a value has no quotes; null for any other text. */
function unquotedMap(text: string): string | null {
  const [beginning, type, map] = MAP_MESSAGE.exec(text) ?? [];
  if (beginning === undefined) return null;
  const value = text.slice(beginning.length);
  if (/^[^"[{]/.test(value)) return value.endsWith("}}") ? map! : null;
  const isKeyed = type === "map" && value.startsWith('{"') && value.endsWith("}}}");
  return isKeyed && UNQUOTED.test(value) ? map! : null;
}

function other(why: string): PrintedValue {
  return { kind: "other", why };
}

/** An integer; from 0.24 on those beyond a double are in quotes. */
function wholeOf(value: MessageValue | undefined): number | string | null {
  if (value instanceof Digits) return /^-?\d{1,20}$/.test(value.text) ? integer(value.text) : null;
  return typeof value === "string" && /^-?\d{16,20}$/.test(value) ? integer(value) : null;
}

function textOf(value: MessageValue | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(plain(value));
}

function plain(value: MessageValue | undefined): unknown {
  if (value instanceof Members) {
    return Object.fromEntries(value.list.map(([name, each]) => [name, plain(each)]));
  }
  if (Array.isArray(value)) return value.map(plain);
  return value instanceof Digits ? Number(value.text) : value ?? null;
}
