/**
 * A run of entries of one map in bpftrace's text: one printing, or several with nothing between them, as
 * `interval:s:1 { print(@); clear(@); }` prints them.
 *
 * @module
 */

import { added, Kept, type MapPrinting, type PrintedValue } from "./bpftrace_events.ts";

/** Where a new printing begins, by one of two rules. */
interface Cuts {
  /** Index of the last printing's first entry, and how many printings begin after the first. */
  start: number;
  count: number;
  /** Whether the last one begins with a value smaller than the previous one. */
  isDescent: boolean;
  /** Keys of the printing before the last, and how many of them were repeated. */
  before: number;
  again: number;
}

/** In maps that are not sorted, ascending runs of values have two on average, never this many. */
const LONG_ASCENT = 8;

/** The order occurs by chance once in 10 times, see `#order`. */
const PROBABLY_SORTED = Math.log(10);

/** Collects entries in order; memory grows with the keys, not with the printings. */
export class MapRun {
  readonly map: string;
  readonly line: number;
  /** The newest entry of each key, in order: those of the last two printings. */
  readonly #newest = new Map<string | null, { index: number; value: PrintedValue }>();
  readonly #all: Map<string | null, PrintedValue> | null;
  readonly #kept = new Kept();
  readonly #isSorted: boolean;
  #count = 0;
  #weight: number | null = null;
  #descents = 0;
  /** How improbable the order of the values is by chance: the logarithm of 1 in so many. */
  #order = 0;
  #alike = 0;
  #isAdded = true;
  /** A printing begins with a smaller value or a repeated key; or only with a repeated key. */
  readonly #bySize: Cuts = { start: 0, count: 0, isDescent: false, before: 0, again: 0 };
  readonly #byKey: Cuts = { start: 0, count: 0, isDescent: false, before: 0, again: 0 };

  /**
   * @param isSorted whether this bpftrace prints the smallest value first: up to 0.23 always, later versions not
   * for maps of plain integers.
   * @param mayBeLast whether bpftrace may have printed it at its end, each map once.
   */
  constructor(map: string, line: number, isSorted: boolean, mayBeLast: boolean) {
    this.map = map;
    this.line = line;
    this.#isSorted = isSorted;
    this.#all = mayBeLast ? new Map() : null;
  }

  /** @throws {BpftraceOutputError} when there are more keys than memory. */
  add(key: string | null, value: PrintedValue, line: number): void {
    const index = this.#count++;
    const weight = weightOf(value);
    const isDescent = weight !== null && this.#weight !== null && weight < this.#weight;
    const isAscent = weight !== null && this.#weight !== null && weight > this.#weight;
    this.#weight = weight;
    if (isDescent) this.#descents++;
    const known = this.#newest.get(key);
    cut(this.#bySize, index, known?.index ?? -1, isDescent, isDescent);
    // The chance that the greatest of that many values comes last.
    if (isAscent) this.#order += Math.log(index - this.#bySize.start + 1);
    cut(this.#byKey, index, known?.index ?? -1, false, isDescent);
    if (known !== undefined) this.#forget(key, known.value);
    this.#newest.set(key, { index, value });
    this.#kept.add(key, value, line);
    this.#forgetOld();
    this.#addToAll(key, value, line);
  }

  /**
   * The last printing.
   *
   * @param isLast whether bpftrace printed it at its end: then it is one printing.
   */
  printing(isLast: boolean): MapPrinting {
    const { map, line } = this;
    const isOne = isLast && this.#all !== null && !(this.#isSorted && this.#descents > 0);
    if (isOne && this.#alike > 0) {
      const doubt = `several keys of ${map} are printed alike: ${
        this.#isAdded ? "their values are added" : "only one of them is here"
      }`;
      return {
        type: "map",
        map,
        values: this.#all,
        times: 1,
        alike: this.#alike,
        line,
        doubt,
        guess: null,
      };
    }
    const isSorted = this.#isSorted || this.#looksSorted;
    const cuts = isSorted || this.#bySize.count === this.#byKey.count ? this.#bySize : this.#byKey;
    const isCertain = cuts.count === 0 || cuts.again === cuts.before ||
      (isSorted && cuts.isDescent);
    const doubt = isCertain
      ? null
      : `${map} was printed ${
        cuts.count + 1
      } times in a row, or has keys that are printed alike: ` +
        `what it had last is uncertain, use -f json`;
    const values = new Map<string | null, PrintedValue>();
    const start = isSorted || this.#byKey.count > 0 ? cuts.start : 0;
    for (const [key, { index, value }] of this.#newest) {
      if (index >= start) values.set(key, value);
    }
    const times = start === 0 ? 1 : cuts.count + 1;
    const guess = start === 0 && this.#descents > 0 && !isLast
      ? "Its values are not in ascending order: they are taken for one printing"
      : null;
    return { type: "map", map, values, times, alike: 0, line, doubt, guess };
  }

  /**
   * Whether the values look sorted: later versions sort per-CPU maps, and the output does not say which maps
   * those are. If so, both rules find the same number of printings.
   */
  get #looksSorted(): boolean {
    if (this.#count >= LONG_ASCENT * (this.#descents + 1)) return true;
    return this.#bySize.count === this.#byKey.count && this.#order >= PROBABLY_SORTED;
  }

  /** Forgets the entries before the last two printings. */
  #forgetOld(): void {
    const rules = this.#isSorted ? [this.#bySize] : [this.#bySize, this.#byKey];
    const first = Math.min(...rules.map(({ start, before }) => start - before));
    for (const [key, { index, value }] of this.#newest) {
      if (index >= first) break;
      this.#forget(key, value);
    }
  }

  #forget(key: string | null, value: PrintedValue): void {
    this.#newest.delete(key);
    this.#kept.remove(key, value);
  }

  #addToAll(key: string | null, value: PrintedValue, line: number): void {
    if (this.#all === null) return;
    const before = this.#all.get(key);
    // A map without keys is printed again.
    if (before === undefined || key === null) {
      this.#all.set(key, value);
      this.#kept.add(key, value, line);
      return;
    }
    this.#alike++;
    const both = added(before, value);
    if (both === null) this.#isAdded = false;
    this.#all.set(key, both ?? value);
  }
}

/** Notes an entry whose key was last at the index `known`, -1 for not. */
function cut(
  cuts: Cuts,
  index: number,
  known: number,
  begins: boolean,
  isDescent: boolean,
): void {
  if (begins || known >= cuts.start) {
    cuts.before = index - cuts.start;
    cuts.again = known >= cuts.start ? 1 : 0;
    cuts.start = index;
    cuts.count++;
    cuts.isDescent = isDescent;
  } else if (known >= cuts.start - cuts.before) {
    cuts.again++;
  }
}

/** What bpftrace sorts by; null if that is not known. */
function weightOf(value: PrintedValue): number | null {
  switch (value.kind) {
    case "integer":
      return typeof value.value === "number" ? value.value : null;
    case "histogram":
      return value.buckets.reduce((sum, { count }) => sum + count, 0);
    case "stats":
      return value.average;
    case "average":
      return value.value;
    case "other":
      return null;
  }
}
