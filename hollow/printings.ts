/**
 * What bpftrace printed, as values: what its text and its JSON have in common.
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
  /** Nothing that can be counted, and why. */
  | { readonly kind: "other"; readonly why: string };

/** Something that bpftrace printed, in its order. */
export type Printing =
  /** A key of a map; `begins` where the map is printed as a whole, from this key on. */
  | {
    readonly type: "entry";
    readonly map: string;
    readonly key: string | null;
    readonly value: PrintedValue;
    readonly begins: boolean;
  }
  /** Text that the program printed itself; it may hold no end of a line, or several. */
  | { readonly type: "text"; readonly text: string }
  /** Something went wrong while the program ran. */
  | { readonly type: "complaint"; readonly what: string; readonly line: number };

/** Output of bpftrace that cannot be read. */
export class BpftraceOutputError extends Error {
  override name = "BpftraceOutputError";

  /** @param line number of the line, from 1. */
  constructor(line: number, why: string) {
    super(`Cannot read line ${line} of bpftrace's output: ${why}`);
  }
}

/** The bounds of 64-bit integers stand for those that bpftrace leaves open. */
export const [LEAST, GREATEST] = [-(2 ** 63), 2 ** 63];
