/**
 * Converts what bpftrace itself printed, text or JSON, to a metrics document.
 *
 * @module
 */

import type { MetricsDocument, Series } from "../document.ts";
import { quantile, QUANTILES } from "../histogram.ts";
import {
  addingOf,
  countsOf,
  type Dictionary,
  isCounted,
  NO_NAMES,
  rowOf,
} from "../counted_maps.ts";
import { SeriesBook } from "../series_book.ts";
import { GREATEST, Kept, LEAST, type MapPrinting, type PrintedBucket } from "./bpftrace_events.ts";
import { bpftraceEventsOf } from "./recognition.ts";

/** How many of the program's newest lines a document keeps, and how much of each, characters. */
const [KEPT_LINES, KEPT_LENGTH] = [100, 1000];

/** The most reasons of one kind that are listed. */
const KEPT_REASONS = 5;

/** What our programs print at the end of each reading of their maps: the server that they watch. */
const SERVER = /^read dhcp([46])$/;

/** Maps that only our programs have: with one of them, the other maps are ours, too. */
const MARKS = ["@slot", "@lease_file_write", "@lease_manager", "@allocation_unfinished"];

/** A map's last printing, and how often it was printed. */
interface PrintedMap extends Omit<MapPrinting, "type" | "map" | "times"> {
  readonly printings: number;
}

/**
 * Converts what bpftrace printed, text or `-f json`, of versions 0.17 to 0.27.
 *
 * The last printing of each map counts. Maps of our own programs, run by hand, become our metrics; others
 * keep their name, and a key becomes the label `key` as it was printed.
 *
 * @param lines without their ends; `isCut` says behind the last one whether that had no end.
 * @throws {InputError} when nothing in it is bpftrace's; {@linkcode BpftraceOutputError} for a line
 * that is damaged, with its number.
 */
export async function documentOfBpftrace(
  lines: (AsyncIterable<string> | Iterable<string>) & { readonly isCut?: boolean },
): Promise<MetricsDocument> {
  const maps = new Map<string, PrintedMap>();
  const kept = new Kept();
  const printed = new PrintedLines();
  const reasons = new Reasons();
  for await (const printing of bpftraceEventsOf(lines)) {
    if (printing.type === "text") printed.add(printing.text);
    else if (printing.type === "warning") reasons.add(printing);
    else keep(maps, printing, kept);
  }
  for (const [map, { doubt, guess, printings, line }] of maps) {
    // If a map is printed again and again, two printings may look like one.
    const isGuessed = guess !== null && printings > 1;
    const what = doubt ?? (isGuessed ? `${map}, printed ${printings} times: ${guess}` : null);
    if (what !== null) reasons.add({ what, line });
  }
  const isOurs = printed.family !== null || MARKS.some((name) => maps.has(name));
  const family = printed.family ?? 4;
  const unavailable = new Map<string, string>();
  const totals = [
    ...ourSeries(isOurs ? maps : new Map(), family, unavailable),
    ...[...maps].flatMap(([name, map]) => isOurs ? [] : foreignSeries(name, map, unavailable)),
  ];
  for (const [name, map] of maps) {
    const remarks = [unavailable.get(name), ...remarksOf(map)].filter((each) => each !== undefined);
    if (remarks.length > 0) unavailable.set(name, remarks.join("; "));
  }
  return {
    schema: "kea-metrics/1",
    server: isOurs ? { family } : {},
    capture: {
      profile: null,
      started: null,
      ended: null,
      duration_seconds: null,
      interval_seconds: null,
      verdict: reasons.listed().length === 0 ? "COMPLETE" : "PARTIAL",
      reasons: reasons.listed(),
      not_available: [...unavailable].map(([metric, why]) => ({ metric, why })),
      cost: null,
    },
    windows: [],
    totals,
    printed: printed.listed(),
  };
}

/** Remarks about a map, in addition to its values. */
function remarksOf({ printings, alike, guess }: PrintedMap): string[] {
  return [
    ...(printings > 1 ? [`It was printed ${printings} times: the last time is here`] : []),
    ...(alike > 0 ? [`${alike} of its keys are printed like another one: they are added`] : []),
    ...(guess === null ? [] : [guess]),
  ];
}

function keep(maps: Map<string, PrintedMap>, printing: MapPrinting, kept: Kept): void {
  const { map, times, ...printed } = printing;
  const before = maps.get(map);
  for (const [key, value] of before?.values ?? []) kept.remove(key, value);
  for (const [key, value] of printed.values) kept.add(key, value, printed.line);
  maps.set(map, { ...printed, printings: (before?.printings ?? 0) + times });
}

/** Decodes the maps of our programs, except their internal ones. */
function ourSeries(
  maps: ReadonlyMap<string, PrintedMap>,
  family: 4 | 6,
  unavailable: Map<string, string>,
): Series[] {
  const book = new SeriesBook(family);
  const words: Dictionary = {
    family,
    hasFineStages: maps.has("@stage"),
    operations: [],
    names: NO_NAMES,
  };
  for (const [name, { values }] of maps) {
    if (!isCounted(name)) continue;
    for (const [key, value] of values) {
      const isOurs = value.kind === "integer" && add(book, name, key ?? "", value.value, words);
      if (!isOurs) unavailable.set(name, `Its key "${key}" is not one of our programs'`);
    }
  }
  return book.series();
}

/** Adds what a key counted; false for a key that none of our programs has. */
function add(
  book: SeriesBook,
  map: string,
  key: string,
  value: number | string,
  words: Dictionary,
): boolean {
  // Text has a blank after each comma.
  const row = rowOf(map, key.replaceAll(/(\d), (?=\d)/g, "$1,"), BigInt(value));
  if (row === null) return true;
  try {
    const { count, sum } = countsOf(map, row);
    addingOf(map, row, words)!(book, row, count, sum);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function foreignSeries(
  metric: string,
  { values }: PrintedMap,
  unavailable: Map<string, string>,
): Series[] {
  return [...values].flatMap(([key, value]): Series[] => {
    const labels: Record<string, string> = key === null ? {} : { key };
    const identity = { metric, family: null, labels, unit: "" } as const;
    const counter = (statistic: string, value: number | string): Series => ({
      ...identity,
      labels: { ...labels, statistic },
      kind: "counter",
      value,
    });
    const average = (value: number): Series => ({
      ...identity,
      labels: { ...labels, statistic: "average" },
      ...{ kind: "gauge", value, min: value, max: value, mean: value },
    });
    switch (value.kind) {
      case "integer":
        return [{ ...identity, kind: "counter", value: value.value }];
      case "average":
        return [average(value.value)];
      case "stats":
        return [
          counter("count", value.count),
          average(value.average),
          counter("total", value.total),
        ];
      case "histogram": {
        const buckets = value.buckets.filter(({ count }) => count > 0);
        if (buckets.length > 0) return [{ ...identity, ...histogramOf(buckets) }];
        unavailable.set(metric, "It counted nothing");
        return [];
      }
      case "other":
        unavailable.set(metric, value.why);
        return [];
    }
  });
}

function histogramOf(buckets: readonly PrintedBucket[]) {
  return {
    kind: "histogram" as const,
    count: buckets.reduce((sum, { count }) => sum + count, 0),
    sum: null,
    min: buckets[0]!.lower,
    max: buckets.at(-1)!.upper,
    exact: false,
    buckets: [...buckets],
    quantiles: QUANTILES.map((q) => quantileOf(buckets, q)),
  };
}

/** A quantile; in a bucket with only one bound, that bound. */
function quantileOf(buckets: readonly PrintedBucket[], q: number) {
  const found = quantile(buckets, q);
  if (found.upper === GREATEST) return { ...found, value: found.lower, open: "upper" as const };
  if (found.lower === LEAST) return { ...found, value: found.upper, open: "lower" as const };
  return found;
}

/** Reasons for the verdict PARTIAL, the first ones. */
class Reasons {
  #count = 0;
  readonly #first: string[] = [];

  add({ what, line }: { readonly what: string; readonly line: number }): void {
    if (this.#count++ < KEPT_REASONS) this.#first.push(`${what} (line ${line})`);
  }

  listed(): string[] {
    const more = this.#count - this.#first.length;
    return more > 0 ? [...this.#first, `${more} more such lines`] : this.#first;
  }
}

/** Lines that the program printed, the newest ones. */
class PrintedLines {
  /** The DHCP family of the server that our programs watch; null for other programs. */
  family: 4 | 6 | null = null;
  #open = "";
  #lines = 0;
  #newest: string[] = [];

  /** Adds text, which may have no line end, or several. */
  add(text: string): void {
    const lines = (this.#open + text).split("\n");
    this.#open = lines.pop()!.slice(0, KEPT_LENGTH);
    for (const line of lines) this.#line(line);
  }

  listed(): { lines: number; newest: string[] } {
    if (this.#open !== "") this.add("\n");
    return { lines: this.#lines, newest: this.#newest };
  }

  #line(line: string): void {
    const family = SERVER.exec(line)?.[1];
    if (family !== undefined) this.family = family === "6" ? 6 : 4;
    this.#lines++;
    this.#newest.push(line.slice(0, KEPT_LENGTH));
    if (this.#newest.length > KEPT_LINES) this.#newest.shift();
  }
}
