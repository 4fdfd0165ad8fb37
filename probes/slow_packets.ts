/**
 * Makes a record of each slow packet that the programs print.
 *
 * @module
 */

import { createHash, randomBytes } from "node:crypto";
import type { SlowPacket } from "../metrics/capture.ts";
import type { Stage } from "../metrics/stages.ts";
import { CAUSES } from "../metrics/waits.ts";

/** The first word of such a line. */
export const SLOW = "slow";

/** Stages in the order in which they are printed; a time of 0 means none. */
export const PRINTED_STAGES = [
  "before",
  "allocate",
  "after",
  "queue",
  "parse",
  "select",
  "commit",
  "pack",
  "send",
  "other",
] as const satisfies readonly Stage[];

/** Stages that the finer ones replace. */
const COARSE: ReadonlySet<string> = new Set(["before", "after"]);

/** Makes records from the lines of one run. */
export class SlowPackets {
  readonly #family: 4 | 6;
  readonly #redacts: boolean;
  /** Different in each run, so that clients cannot be looked up. */
  readonly #salt = randomBytes(16);

  /** @param redacts whether clients and transactions are hashed: equal ones get the same hash within a run. */
  constructor(family: 4 | 6, redacts: boolean) {
    this.#family = family;
    this.#redacts = redacts;
  }

  /**
   * Reads a line.
   *
   * @returns the record without its time in the capture, and the kernel's monotonic clock, ns.
   */
  read(line: string): { readonly nsecs: number; readonly packet: Omit<SlowPacket, "elapsed_ns"> } {
    const [nsecs, time, message, answer, ...rest] = line.trim().split(" ").slice(1);
    const [head, long, start, end, ...times] = rest.map(BigInt);
    const bytes = bytesOf(start!, end!);
    const isFine = PRINTED_STAGES.some((name, at) =>
      !COARSE.has(name) && name !== "allocate" && times[at]! > 0n
    );
    const stages = PRINTED_STAGES.map((name, at) => [name, Number(times[at])] as const)
      .filter(([name, ns]) => ns > 0 && !(isFine && COARSE.has(name)));
    const waits = waitsOf(Number(time), stages, times.slice(PRINTED_STAGES.length).map(Number));
    return {
      nsecs: Number(nsecs),
      packet: {
        type: "slow",
        message: Number(message),
        answer: Number(answer),
        time_ns: Number(time),
        transaction: this.#shown(
          (this.#family === 4 ? bytesOf(head!).subarray(4) : bytesOf(head!).subarray(1, 4)).toHex(),
        ),
        client: this.#shown(
          this.#family === 4 ? hardwareAddress(bytes, Number(long)) : duid(bytes, Number(long)),
        ),
        stages: Object.fromEntries(stages),
        ...waits === null ? {} : { waits },
      },
    };
  }

  #shown(text: string): string {
    if (!this.#redacts) return text;
    return createHash("sha256").update(this.#salt).update(text).digest("hex").slice(0, 12);
  }
}

/**
 * Nanoseconds by cause, and the rest since its thread began with the packet as running; null where that is not
 * known.
 */
function waitsOf(
  time: number,
  stages: readonly (readonly [name: string, ns: number])[],
  [isMeasured, ...waits]: readonly number[],
): Record<string, number> | null {
  const [queue] = stages.filter(([name]) => name === "queue").map(([, ns]) => ns);
  if (isMeasured !== 1 || queue === undefined) return null;
  const running = time - queue - waits.reduce((sum, ns) => sum + ns, 0);
  return Object.fromEntries(
    [running, ...waits].map((ns, cause) => [CAUSES[cause]!, ns] as const)
      .filter(([, ns]) => ns > 0),
  );
}

/** The bytes of 64-bit words, as in memory. */
function bytesOf(...words: readonly bigint[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * words.length));
  words.forEach((word, index) => view.setBigUint64(8 * index, BigInt.asUintN(64, word), true));
  return new Uint8Array(view.buffer);
}

function hardwareAddress(bytes: Uint8Array, length: number): string {
  return colons(bytes.subarray(0, Math.min(length, bytes.length)));
}

/** The last bytes of a DUID; a longer one has dots before them. */
function duid(bytes: Uint8Array, length: number): string {
  const text = colons(bytes.subarray(Math.max(0, bytes.length - length)));
  return length > bytes.length ? `..${text}` : text;
}

function colons(bytes: Uint8Array): string {
  return bytes.toHex().replaceAll(/..(?!$)/g, "$&:");
}
