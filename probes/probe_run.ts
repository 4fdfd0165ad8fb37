/**
 * One bpftrace process: starts it, reads its output, and always stops it.
 *
 * @module
 */

import { ATTACHED, type Bpftrace, BPFTRACE_ENVIRONMENT } from "./bpftrace.ts";
import { type Json, parseExact } from "../metrics/input/exact_json.ts";
import { mergeCounts, type MergedCounts } from "./merged_counts.ts";
import { mergedLines } from "../system/lines.ts";
import { childEnvironment } from "../system/run.ts";
import { sendSignal } from "../system/signals.ts";
import { stopSamples } from "./perf_events.ts";
import { SLOW } from "./slow_packets.ts";
import { fullMaps, type Maps } from "./printed_maps.ts";
import { READING, type Rendered } from "./render.ts";

/** One reading of the maps. */
export interface Reading {
  readonly type: "reading";
  /** By the kernel's monotonic clock; null for the last one, after the probes were detached. */
  readonly nsecs: number | null;
  readonly maps: Maps;
  /** The maps that count no new keys any more, in words for a reader. */
  readonly full: readonly string[];
}

/** The events of a run. */
export type ProbeEvent =
  /** Every probe is attached. `probes` is bpftrace's own count. */
  | { readonly type: "attached"; readonly probes: number }
  | Reading
  /** A line about a slow packet. */
  | { readonly type: "slow"; readonly line: string }
  /** bpftrace could not keep up and dropped this many of its own events. */
  | { readonly type: "lost"; readonly events: number }
  /** bpftrace ended. `complaint` is its own reason. */
  | { readonly type: "ended"; readonly code: number; readonly complaint: string };

/** Noise on stderr that means nothing: see reference of bpftrace on RLIMIT_MEMLOCK. */
const HARMLESS =
  /RLIMIT_MEMLOCK|^\s*$|WARNING|^\S+:\d+[-:]\d+(?!.*(?:ERROR|fatal error): )|^\s|^Attaching|BCC_SYMFS|__BPFTRACE/;

/** Lines with the reason why bpftrace ends; newer versions also print lines of the program. */
const REASON = /\b(?:ERROR|fatal error): |: Unknown error \d+/;

/** bpftrace's reason for its end, on one line. */
export function complaintIn(lines: readonly string[]): string {
  const said = lines.filter((line) => !HARMLESS.test(line)).map((line) => line.trim());
  const reasons = said.filter((line) => REASON.test(line))
    .map((line) => line.replace(/^.*\b(?:ERROR|fatal error): /, ""));
  return (reasons.length > 0 ? reasons : said).slice(0, 3).join("; ");
}

/**
 * Makes glibc give back what the compiler in bpftrace needed and has freed: of 45 MiB of anonymous memory 10 to 15 are
 * only kept for later, and there is no later. With limits of their own, the thresholds do not grow (mallopt(3)).
 */
const FREES_MEMORY = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_TRIM_THRESHOLD_: "131072",
  MALLOC_MMAP_THRESHOLD_: "131072",
} as const;

/** Lines that are kept for the reason of its end. */
const MOST_COMPLAINTS = 1000;

/** A running bpftrace. Disposing stops it. */
export class ProbeRun implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #events: AsyncGenerator<ProbeEvent>;
  readonly #probes: number;
  readonly #merged: MergedCounts;
  #ended = false;
  #abandoned = false;

  private constructor(child: Deno.ChildProcess, probes: number, merged: MergedCounts) {
    this.#child = child;
    this.#probes = probes;
    this.#merged = merged;
    this.#events = this.#listen();
  }

  /**
   * Starts bpftrace on a rendered program. It dies with this process, even by SIGKILL, and sees
   * no ^C of the terminal: only {@linkcode stop} ends it. It gets the program with its counts merged, and the
   * readings have the program's own maps.
   *
   * @param symbols folder of private symbol files, see `writeSiteSymbols()`.
   */
  static start(bpftrace: Bpftrace, { program, probes }: Rendered, symbols?: string): ProbeRun {
    const merged = mergeCounts(program);
    const child = new Deno.Command("setpriv", {
      args: [
        "--pdeathsig",
        "KILL",
        "--",
        ...bpftrace.command,
        "--unsafe",
        "-f",
        "json",
        "-e",
        merged.program,
      ],
      clearEnv: true,
      env: {
        ...childEnvironment(),
        ...BPFTRACE_ENVIRONMENT,
        ...FREES_MEMORY,
        // Seen from here: bpftrace may have a root of its own.
        ...symbols === undefined ? {} : { BCC_SYMFS: `/proc/${Deno.pid}/root${symbols}` },
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      detached: true,
    }).spawn();
    return new ProbeRun(child, probes, merged);
  }

  /** Process id of bpftrace. */
  get pid(): number {
    return this.#child.pid;
  }

  /** All events of the run; the last is "ended". May be consumed once. */
  get events(): AsyncGenerator<ProbeEvent> {
    return this.#events;
  }

  /**
   * Stops bpftrace, which detaches its probes one by one (0.1 s each on some kernels) and then
   * prints its maps a last time. A second SIGINT follows well after that, because 0.17 can lose
   * one, then SIGKILL. Returns at once; "ended" comes when all is detached.
   */
  stop(): void {
    const patience = 5000 + 200 * this.#probes;
    const steps: [number, Deno.Signal][] = [
      [0, "SIGINT"],
      [patience, "SIGINT"],
      [patience + 2000, "SIGKILL"],
    ];
    const timers = steps.map(([delay, signal]) =>
      setTimeout(() => sendSignal(this.#child, signal), delay)
    );
    this.#child.status.then(() => timers.forEach((timer) => clearTimeout(timer)));
  }

  /**
   * Ends bpftrace at once, without a last reading. The kernel continues to detach its probes while the
   * process dies.
   *
   * @returns a promise that resolves when it is gone; disposing then does not wait for it.
   */
  async abandon(): Promise<void> {
    this.#abandoned = true;
    sendSignal(this.#child, "SIGKILL");
    for await (const _ of this.#events) { /* drained, so that its streams are closed */ }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#abandoned) return;
    if (!this.#ended) {
      this.stop();
      for await (const _ of this.#events) { /* drained, so that the child can end */ }
    }
    await this.#child.status;
  }

  #reading(nsecs: number | null, printed: Maps): Reading {
    const { split, titleOf } = this.#merged;
    return { type: "reading", nsecs, maps: split(printed), full: fullMaps(printed).map(titleOf) };
  }

  async *#listen(): AsyncGenerator<ProbeEvent> {
    const complaints: string[] = [];
    let word = false;
    let probes: number | null = null;
    let isReported = false;
    let maps: Maps = {};
    let nsecs: number | null = null;

    for await (
      const { text: line, isWhole } of mergedLines(this.#child.stdout, this.#child.stderr)
    ) {
      // bpftrace was killed while it printed: there is no such message.
      if (!isWhole && line.startsWith("{")) continue;
      if (line.includes(ATTACHED)) {
        word = true;
      } else if (!line.startsWith('{"type"')) {
        if (complaints.length < MOST_COMPLAINTS) complaints.push(line);
      } else {
        const message = parseExact(line) as { type: string; data: Json };
        const data = message.data as Record<string, Json> | string;
        if (message.type === "attached_probes") {
          probes = Number((data as Record<string, Json>)["probes"]);
        } else if (message.type === "lost_events") {
          yield { type: "lost", events: Number((data as Record<string, Json>)["events"] ?? 1) };
        } else if (message.type === "printf" && typeof data === "string") {
          if (data.startsWith(`${SLOW} `)) {
            yield { type: "slow", line: data };
          } else if (data.startsWith(`${READING.start} `)) {
            [maps, nsecs] = [{}, Number(data.slice(READING.start.length))];
          } else if (data.startsWith(READING.end)) {
            yield this.#reading(nsecs, maps);
            [maps, nsecs] = [{}, null];
          }
        } else if (typeof data === "object" && data !== null) {
          Object.assign(maps, data);
        }
      }
      // In versions up to 0.22 the word and the count come on two streams, in any order.
      if (word && probes !== null && !isReported) {
        isReported = true;
        stopSamples(this.pid);
        yield { type: "attached", probes };
      }
    }
    // What is printed outside a reading is the last state, printed when the probes were detached.
    if (nsecs === null && Object.keys(maps).length > 0) yield this.#reading(nsecs, maps);
    const { code } = await this.#child.status;
    this.#ended = true;
    yield { type: "ended", code, complaint: complaintIn(complaints) };
  }
}
