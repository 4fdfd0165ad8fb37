/**
 * The state of a watch, across restarts of the server and of bpftrace.
 *
 * @module
 */

import type { Say } from "../system/command_line.ts";
import type { CaptureRecord } from "../metrics/capture.ts";
import type { Server } from "../discovery/types.ts";
import type { Bpftrace } from "./bpftrace.ts";
import { Gap } from "./gap.ts";
import type { CountingOptions } from "./packet_counting.ts";
import type { Preparation } from "./preparation.ts";
import type { Profile } from "./programs.ts";
import { Redaction } from "./redaction.ts";

/** What to watch, and for how long. */
export interface WatchOptions extends CountingOptions {
  readonly server: Server;
  readonly profile: Profile;
  readonly bpftrace: Bpftrace;
  /** Length of a window, milliseconds. */
  readonly intervalMs: number;
  /** How long, milliseconds from the moment that every probe is attached. */
  readonly durationMs: number;
  /** Stops the watch; what was measured is kept. */
  readonly signal: AbortSignal;
  /** Called with lines for people. */
  readonly say: Say;
  /** How long to wait for a server that ended, milliseconds; default: 15 s. */
  readonly restartGraceMs?: number;
  /** Where a server is described and its program prepared. */
  readonly preparation: Preparation;
  /** Packets that take longer are listed one by one. */
  readonly slow?: SlowOptions;
}

/** The longest watch, milliseconds: the longest wait of `setTimeout`, 24 days; then a new watch begins. */
export const LONGEST_WATCH_MS = 2 ** 31 - 1;

/** Options for slow packets. */
export interface SlowOptions {
  /** A packet that takes longer is slow, nanoseconds. */
  readonly thresholdNs: number;
  /** Whether clients and transactions are hashed. */
  readonly redacts: boolean;
}

/** The clock of a watch, its verdict so far, and what is not watched. */
export class WatchState {
  readonly options: WatchOptions;
  readonly started = new Date();
  /** Why the verdict will be PARTIAL. */
  readonly reasons: string[] = [];
  /** Runs of bpftrace that no one waits for, until they are gone. */
  readonly dying: Promise<void>[] = [];
  /** Hashes clients. */
  readonly redaction = new Redaction();
  /** The gap since the last reading. */
  readonly gap = new Gap();
  /** `performance.now()` at which the time is over; null until the first probes are attached. */
  deadline: number | null = null;
  /** Elapsed times count from here, see `performance.now()`. */
  readonly #zero = performance.now();
  /** The time of the first reading, by the programs' clock and by ours; null before it. */
  #origin: { readonly nsecs: number; readonly elapsedNs: number } | null = null;

  constructor(options: WatchOptions) {
    this.options = options;
  }

  /** Whether the time is over or the watch was stopped. */
  get isOver(): boolean {
    const { deadline, options } = this;
    return options.signal.aborted || (deadline !== null && performance.now() >= deadline);
  }

  /** Nanoseconds since the start. */
  get elapsedNs(): number {
    return Math.round((performance.now() - this.#zero) * 1e6);
  }

  /** The elapsed time of a reading, by the programs' clock, whenever its lines are read. */
  elapsedAt(nsecs: number): number {
    this.#origin ??= { nsecs, elapsedNs: this.elapsedNs };
    return this.#origin.elapsedNs + nsecs - this.#origin.nsecs;
  }

  /** A reason for the verdict PARTIAL, as a record; it lasts as long as these probes are attached. */
  note(reason: string): Extract<CaptureRecord, { type: "note" }> {
    this.reasons.push(reason);
    this.options.say(reason, "warning");
    return { type: "note", elapsed_ns: this.elapsedNs, reason };
  }

  /** The same for what was missed before and is over. */
  pastNote(reason: string): CaptureRecord {
    return { ...this.note(reason), is_past: true };
  }

  /** The same, but each reason only once. */
  *noteOnce(reason: string): Generator<CaptureRecord> {
    if (!this.reasons.includes(reason)) yield this.note(reason);
  }
}
