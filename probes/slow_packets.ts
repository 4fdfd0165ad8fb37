/**
 * Makes a record of each slow packet that the programs print.
 *
 * @module
 */

import type { SlowPacket } from "../metrics/capture.ts";
import type { Stage } from "../metrics/stages.ts";
import { CAUSES } from "../metrics/waits.ts";
import { bytesOf, clientAddress } from "./addresses.ts";
import type { Redaction } from "./redaction.ts";

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
  readonly #redaction: Redaction | null;

  /** @param redaction hashes clients and transactions; null shows them. */
  constructor(family: 4 | 6, redaction: Redaction | null) {
    this.#family = family;
    this.#redaction = redaction;
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
        client: this.#shown(clientAddress(this.#family, bytes, Number(long))),
        stages: Object.fromEntries(stages),
        ...waits === null ? {} : { waits },
      },
    };
  }

  #shown(text: string): string {
    return this.#redaction?.hashOf(text) ?? text;
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
