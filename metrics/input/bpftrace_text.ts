/**
 * Reads the text output of bpftrace, 0.17 to 0.27.
 *
 * @module
 */

import { MapRun } from "./map_run.ts";
import {
  type BpftraceEvent,
  BpftraceOutputError,
  GREATEST,
  integer,
  LEAST,
  type PrintedBucket,
  type PrintedValue,
  warningOf,
} from "./bpftrace_events.ts";

/** `@name: value` or `@name[key]: value`; a key may contain `]: `, so the last one ends it. */
const ENTRY = /^(@\w*)(?:\[(.*)\])?:(?:( )(.*))?$/s;
/** The first line of an entry whose key has several lines: a stack, a string with a line end. */
const OPEN_ENTRY = /^(@\w*)\[(.*)$/s;
/** The last line of such an entry. */
const END_OF_ENTRY = /^(.*)\]:(?:( )(.*))?$/s;
/** `[2K, 4K)   12 |@@@   |`, `[0]   1 |@  |`, `(..., 0)`, `[100, ...)`. */
const BAR =
  /^(?:\[(-?\d{1,20})([KMGTPE]?)\]|[[(](\.\.\.|-?\d{1,20}[KMGTPE]?), (\.\.\.|-?\d{1,20}[KMGTPE]?)\)) +(\d{1,20}) \|[@ ]{52}\|$/;
/** The beginning of a bar; a line with it that is not a bar is damaged. */
const LIKE_A_BAR = /^[[(](?:\.\.\.|-?\d+[KMGTPE]?)(?:[\]),]|$)/;
const STATS = /^count (\d{1,20}), average (-?\d{1,20}), total (-?\d{1,20})$/;
/** From 0.24 on. */
const NEW_STATS = /^\{ \.count = (\d{1,20}), \.average = (-?\d{1,20}), \.total = (-?\d{1,20}) \}$/;
/** An entry after text that the program printed without a line end: its end, its name. */
const [VALUE_AT_END, NAME_AT_END] = [/: -?\d{1,20}$|: count \d+, [\w ,-]+$/, /@\w*$/];
/** JSON among text. */
const JSON_MESSAGE = /^\{"type": "\w+", "/;
/** `Attaching` up to 0.23. */
const HEADER = /^Attach(ing|ed) \d+ probes?(?:\.\.\.)?$/;
const LOST = /^Lost (\d+) events$/;
/** A warning that quotes the program: the quotation ends with a line of these. */
const [QUOTING, END_OF_QUOTATION] = [/^[^\s:]*:\d+:[\d-]+: /, /^ *~+$/];
const POWERS = ["", "K", "M", "G", "T", "P", "E"];

/** Before 0.20 all values from 2^31 on fell in this bucket. */
const LAST_OF_OLD = 2 ** 31;

/** The most lines and characters of a key: stacks of 127 frames, strings of some KiB. */
const [KEY_LINES, KEY_LENGTH] = [4096, 2 ** 18];

/** Lines of a quotation: the helper's message, the program's line, the marker below it. */
const QUOTATION_LINES = 4;

/** Whether a line is one that only bpftrace prints: this identifies its text output. */
export function isBpftraceText(line: string): boolean {
  return HEADER.test(line) || ENTRY.test(line);
}

interface OpenHistogram {
  readonly map: string;
  readonly key: string | null;
  readonly line: number;
  readonly buckets: PrintedBucket[];
  /** Whether it was printed by a version before 0.20. */
  readonly isOld: boolean;
}

/** Reads lines, one after the other. */
export class TextReader {
  #line = 0;
  #hasHeader = false;
  /** Whether this version prints the smallest value of a map first, whatever the map's kind. */
  #isSorted = false;
  /** The histogram whose bars are being read. */
  #open: OpenHistogram | null = null;
  /** The entry whose key continues. */
  #key: { readonly map: string; readonly lines: string[]; length: number; line: number } | null =
    null;
  #quotation = 0;
  #blanks = 0;
  /** The current run of entries. */
  #run: MapRun | null = null;
  /** Maps after two empty lines, by name: bpftrace may have printed them at its end. */
  #last: MapRun[] | null = null;
  /** Whether lines may still belong to a value of several lines. */
  #isInValue = false;
  #isRecognized = false;

  /** Whether there was a line that only bpftrace prints. */
  get isRecognized(): boolean {
    return this.#isRecognized;
  }

  /**
   * Reads a line.
   *
   * @param number its number, from 1.
   * @throws {BpftraceOutputError} for a line of a histogram that is damaged.
   */
  *read(line: string, number: number): Generator<BpftraceEvent> {
    this.#line = number;
    if (this.#key !== null && (yield* this.#keyGoesOn(line))) return;
    if (this.#quotation > 0 && !isBpftraceText(line)) {
      this.#quotation = END_OF_QUOTATION.test(line) ? 0 : this.#quotation - 1;
      yield { type: "text", text: `${line}\n` };
      return;
    }
    if (this.#open !== null) {
      const bar = BAR.exec(line);
      if (bar !== null) {
        this.#open.buckets.push(bucketOf(bar, this.#open.buckets.at(-1), number));
        return;
      }
      if (LIKE_A_BAR.test(line)) {
        throw new BpftraceOutputError(number, "a line of a histogram is damaged");
      }
      if (this.#open.buckets.length > 0 && line !== "" && !isBpftraceText(line)) {
        yield this.#warning("it stands among a histogram");
      }
    }
    this.#quotation = 0;
    this.#closeHistogram();
    if (line === "") {
      yield* this.#blank();
      return;
    }
    const entry = ENTRY.exec(line);
    if (entry === null) {
      const open = OPEN_ENTRY.exec(line);
      if (open === null) yield* this.#other(line);
      else this.#key = { map: open[1]!, lines: [open[2]!], length: 0, line: number };
      return;
    }
    const [, map, key = null, blank = "", value = ""] = entry;
    yield* this.#entry(map!, key, blank, value);
  }

  /**
   * Ends the input.
   *
   * @param isCut whether its last line has no end.
   */
  *end(isCut: boolean): Generator<BpftraceEvent> {
    if (this.#key !== null) yield* this.#endlessKey();
    else if (isCut) yield this.#warning("the last line has no end: the output may be cut off");
    else if (this.#open !== null && this.#open.buckets.length > 0) {
      yield this.#warning("no empty line ends the last histogram: the output may be cut off");
    }
    this.#closeHistogram();
    yield* this.#closeRun();
    for (const run of this.#last ?? []) yield run.printing(true);
  }

  *#entry(map: string, key: string | null, blank: string, value: string): Generator<BpftraceEvent> {
    yield* this.#belongsTo(map);
    this.#isInValue = false;
    this.#blanks = 0;
    if (value !== "") {
      this.#add(key, valueOf(value));
      return;
    }
    // Versions before 0.20 print a blank after the colon of a histogram.
    this.#open = { map, key, line: this.#line, buckets: [], isOld: blank !== "" };
  }

  /** Whether the line belongs to the open key; if not, a warning says so. */
  *#keyGoesOn(line: string): Generator<BpftraceEvent, boolean> {
    const key = this.#key!;
    const end = END_OF_ENTRY.exec(line);
    const isAnother = ENTRY.test(line) || OPEN_ENTRY.test(line);
    if (end !== null && !isAnother) {
      this.#key = null;
      yield* this.#entry(key.map, [...key.lines, end[1]!].join("\n"), end[2] ?? "", end[3] ?? "");
      return true;
    }
    key.lines.push(line);
    key.length += line.length;
    if (!isAnother && key.lines.length < KEY_LINES && key.length < KEY_LENGTH) return true;
    if (isAnother) key.lines.pop();
    yield* this.#endlessKey();
    return !isAnother;
  }

  *#endlessKey(): Generator<BpftraceEvent> {
    const { map, lines, line } = this.#key!;
    this.#key = null;
    yield* this.#closeRun();
    yield* this.#notLast();
    yield { type: "warning", what: `a key of ${map} has no end`, line };
    yield { type: "text", text: `${map}[${lines.join("\n")}\n` };
  }

  /** A line that is neither empty nor of a map. */
  *#other(line: string): Generator<BpftraceEvent> {
    yield* this.#closeRun();
    this.#blanks = 0;
    const header = HEADER.exec(line);
    if (header !== null) {
      if (this.#hasHeader) {
        throw new BpftraceOutputError(this.#line, "another run begins here: give one at a time");
      }
      this.#hasHeader = this.#isRecognized = true;
      this.#isSorted = header[1] === "ing";
      return;
    }
    if (!this.#isInValue) yield* this.#notLast();
    const lost = LOST.exec(line);
    const warning = warningOf(line);
    if (warning !== null || QUOTING.test(line)) {
      this.#quotation = QUOTING.test(line) ? QUOTATION_LINES : 0;
    }
    if (lost !== null) yield this.#warning(`bpftrace lost ${lost[1]} events`);
    else if (warning !== null) yield this.#warning(warning);
    else if (BAR.test(line)) yield this.#warning("a bar belongs to no map");
    else if (JSON_MESSAGE.test(line)) yield this.#warning("JSON stands among text");
    else if (line.startsWith("@")) yield this.#warning("it begins like a map and is none");
    else {
      const behind = mapBehindText(line);
      if (behind !== null) {
        yield this.#warning(`${behind} stands behind other text: print a line's end before it`);
      }
      yield { type: "text", text: `${line}\n` };
    }
  }

  *#blank(): Generator<BpftraceEvent> {
    this.#blanks++;
    // There is one after each key of a histogram.
    if (this.#blanks > 1 || !this.#isOfHistograms) yield* this.#closeRun();
    if (this.#blanks !== 2) return;
    yield* this.#notLast();
    this.#last = [];
    this.#isInValue = false;
  }

  #isOfHistograms = false;

  /** Starts a run of the map's entries. */
  *#belongsTo(map: string): Generator<BpftraceEvent> {
    if (this.#run?.map === map) return;
    yield* this.#closeRun();
    const before = this.#last?.at(-1)?.map;
    // At its end, bpftrace prints maps sorted by name.
    if (before !== undefined && before >= map) yield* this.#notLast();
    this.#run = new MapRun(map, this.#line, this.#isSorted, this.#last !== null);
  }

  #add(key: string | null, value: PrintedValue): void {
    this.#isOfHistograms = value.kind === "histogram";
    this.#isInValue = value.kind === "other";
    // Other programs also print "@name: text".
    this.#isRecognized ||= value.kind !== "other";
    this.#run!.add(key, value, this.#line);
  }

  *#closeRun(): Generator<BpftraceEvent> {
    const run = this.#run;
    this.#run = null;
    if (run === null) return;
    if (this.#last === null) yield run.printing(false);
    else this.#last.push(run);
  }

  /** The maps after two empty lines were not printed at bpftrace's end. */
  *#notLast(): Generator<BpftraceEvent> {
    const runs = this.#last ?? [];
    this.#last = null;
    for (const run of runs) yield run.printing(false);
  }

  #closeHistogram(): void {
    if (this.#open === null) return;
    const { key, buckets, line, isOld } = this.#open;
    this.#open = null;
    if (buckets.length === 0) {
      this.#add(key, { kind: "other", why: `It has no number (line ${line})` });
    } else {
      this.#add(key, { kind: "histogram", buckets: isOld ? widened(buckets) : buckets });
    }
  }

  #warning(what: string): BpftraceEvent {
    return { type: "warning", what, line: this.#line };
  }
}

/** The map whose entry is at the end of a line; null for none. */
function mapBehindText(line: string): string | null {
  const value = VALUE_AT_END.exec(line);
  if (value === null) return null;
  const before = line.slice(0, value.index);
  if (!before.endsWith("]")) return NAME_AT_END.exec(before)?.[0] ?? null;
  return /(@\w*)\[/.exec(before)?.[1] ?? null;
}

function valueOf(text: string): PrintedValue {
  if (/^-?\d{1,20}$/.test(text)) return { kind: "integer", value: integer(text) };
  const stats = STATS.exec(text) ?? NEW_STATS.exec(text);
  if (stats === null) return { kind: "other", why: "Its value is no number" };
  const [, count, average, total] = stats;
  return {
    kind: "stats",
    count: integer(count!),
    average: Number(average),
    total: integer(total!),
  };
}

function bucketOf(
  bar: RegExpExecArray,
  before: PrintedBucket | undefined,
  line: number,
): PrintedBucket {
  const [, single, unit, from, to, count] = bar;
  const lower = single === undefined ? bound(from!, LEAST) : bound(single + unit!, LEAST);
  const upper = single === undefined ? bound(to!, GREATEST) : lower + 1;
  const isRight = lower < upper && lower >= (before?.upper ?? LEAST) &&
    Number.isSafeInteger(Number(count));
  if (isRight) return { lower, upper, count: Number(count) };
  throw new BpftraceOutputError(line, "a line of a histogram is damaged");
}

function bound(text: string, open: number): number {
  if (text === "...") return open;
  const unit = /[A-Z]$/.exec(text)?.[0] ?? "";
  return parseInt(text, 10) * 1024 ** POWERS.indexOf(unit);
}

/** Versions before 0.20 put all greater values in the bucket from 2^31 on, and do not say so. */
function widened(buckets: readonly PrintedBucket[]): PrintedBucket[] {
  const last = buckets.at(-1)!;
  if (last.lower !== LAST_OF_OLD || last.upper !== 2 * LAST_OF_OLD) return [...buckets];
  return [...buckets.slice(0, -1), { ...last, upper: GREATEST }];
}
