/**
 * What bpftrace printed, as events: the same for its text and its JSON.
 *
 * @module
 */

/** A bucket as bpftrace prints it: lower bound inclusive, upper exclusive. */
export interface PrintedBucket {
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
}

/** The value of one key of a map. */
export type PrintedValue =
  | { readonly kind: "integer"; readonly value: number | string }
  | { readonly kind: "average"; readonly value: number }
  | {
    readonly kind: "stats";
    readonly count: number | string;
    readonly average: number;
    readonly total: number | string;
  }
  | { readonly kind: "histogram"; readonly buckets: readonly PrintedBucket[] }
  /** A value that cannot be counted, and why. */
  | { readonly kind: "other"; readonly why: string };

/** One printing of a map; of several in a row, the last. */
export interface MapPrinting {
  readonly type: "map";
  readonly map: string;
  /** By key as it was printed; null for a map without keys. */
  readonly values: ReadonlyMap<string | null, PrintedValue>;
  /** How often it was printed in a row. */
  readonly times: number;
  /** How many keys were printed like another one; their values were added if possible. */
  readonly alike: number;
  /** Number of its first line, from 1. */
  readonly line: number;
  /** Why its values may be wrong, for people; null if they are right. */
  readonly doubt: string | null;
  /** What was assumed, for people; null for nothing. */
  readonly guess: string | null;
}

/** Something that bpftrace printed, in order. */
export type BpftraceEvent =
  | MapPrinting
  /** Text that the program printed itself; it may have no line end, or several. */
  | { readonly type: "text"; readonly text: string }
  /** Something failed while the program ran, or was not understood. */
  | { readonly type: "warning"; readonly what: string; readonly line: number };

/** Output of bpftrace that cannot be read. */
export class BpftraceOutputError extends Error {
  override name = "BpftraceOutputError";

  /** @param line number of the line, from 1. */
  constructor(line: number, why: string) {
    super(`Cannot read line ${line} of bpftrace's output: ${why}`);
  }
}

/** The bounds of 64-bit integers, in place of bounds that bpftrace leaves open. */
export const [LEAST, GREATEST] = [-(2 ** 63), 2 ** 63];

/** Limit of the keys and values of all maps: characters, and 64 for each number. */
const MOST_KEPT = 128 * 2 ** 20;

/** Limits what is kept in memory, so that an input of any size ends in one line. */
export class Kept {
  #size = 0;

  /** @throws {BpftraceOutputError} over the limit. */
  add(key: string | null, value: PrintedValue, line: number): void {
    this.#size += sizeOf(key, value);
    if (this.#size > MOST_KEPT) {
      throw new BpftraceOutputError(line, "its maps have over 128 MiB: print fewer keys");
    }
  }

  remove(key: string | null, value: PrintedValue): void {
    this.#size -= sizeOf(key, value);
  }
}

function sizeOf(key: string | null, value: PrintedValue): number {
  return 128 + (key?.length ?? 0) + (value.kind === "histogram" ? 64 * value.buckets.length : 0);
}

/** The sum of the values of two keys that are printed alike; null if that has no meaning. */
export function added(one: PrintedValue, other: PrintedValue): PrintedValue | null {
  if (one.kind === "integer" && other.kind === "integer") {
    return { kind: "integer", value: sum(one.value, other.value) };
  }
  if (one.kind === "stats" && other.kind === "stats") {
    const [count, total] = [sum(one.count, other.count), sum(one.total, other.total)];
    const average = BigInt(count) === 0n ? 0 : Number(BigInt(total) / BigInt(count));
    return { kind: "stats", count, average, total };
  }
  if (one.kind === "histogram" && other.kind === "histogram") {
    const buckets = new Map<number, PrintedBucket>();
    for (const bucket of [...one.buckets, ...other.buckets]) {
      const { count = 0, upper = bucket.upper } = buckets.get(bucket.lower) ?? {};
      if (upper !== bucket.upper) return null;
      buckets.set(bucket.lower, { ...bucket, count: count + bucket.count });
    }
    const sorted = [...buckets.values()].sort((a, b) => a.lower - b.lower);
    const areApart = sorted.every(({ lower }, at) => at === 0 || sorted[at - 1]!.upper <= lower);
    return areApart ? { kind: "histogram", buckets: sorted } : null;
  }
  return null;
}

function sum(one: number | string, other: number | string): number | string {
  return integer(BigInt(one) + BigInt(other));
}

/** A 64-bit integer as in documents: a string beyond 2^53. */
export function integer(digits: string | bigint): number | string {
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : BigInt(digits).toString();
}

/** Warnings without data loss; the first one appears on every machine without that limit. */
const HARMLESS = new RegExp([
  "couldn't set RLIMIT_MEMLOCK",
  "Could not read functions from ",
  "Could not determine instruction boundary",
  "Addrspace (?:is not set|mismatch)",
  "is deprecated",
  "of different signs",
  "being cast to type",
  "Unnecessary cast",
  "is not traceable",
].join("|"));

/** A warning of bpftrace's standard error in its output; null for other lines. */
export function warningOf(line: string): string | null {
  const isWarning = /^(?:[^\s:]*:\d+:[\d-]+: )?(?:WARNING|ERROR): /.test(line);
  return isWarning && !HARMLESS.test(line) ? `bpftrace says "${line.slice(0, 200)}"` : null;
}
