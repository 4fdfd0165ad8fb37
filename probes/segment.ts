/**
 * One attachment: from the start of bpftrace to its last reading.
 *
 * @module
 */

import { hungProcess } from "../system/hung_process.ts";
import { isRunning } from "../system/proc.ts";
import { readProc } from "../system/read_proc.ts";
import type { Site } from "../discovery/sites/types.ts";
import type { Server } from "../discovery/types.ts";
import type { CaptureRecord, Sample } from "../metrics/capture.ts";
import { monotonicTime, wallClockOffset } from "../system/libc.ts";
import { CounterCheck, PATIENCE_MS } from "./counter_check.ts";
import { programsIn } from "./attach_points.ts";
import type { ChangedCode } from "./breakpoint_check.ts";
import type { Prepared } from "./preparation.ts";
import { OverheadMeter } from "./overhead_meter.ts";
import type { Maps } from "./printed_maps.ts";
import { ProbeRun, type Reading } from "./probe_run.ts";
import { SampleBuilder } from "./sample_builder.ts";
import { changeOf, ChangeWatch, type ServerChange } from "./server_change.ts";
import { SlowPackets } from "./slow_packets.ts";
import type { WatchState } from "./watch_state.ts";

/** Why a segment ended. */
export type Outcome =
  | ServerChange
  | "over"
  | "clock set"
  | "bpftrace ended"
  | "process hangs"
  | "not attached";

/** Longest time to attach everything; 0.17 takes about 0.1 s per probe. */
const ATTACH_LIMIT_MS = 300_000;

/** How long a reading may be overdue before bpftrace counts as stuck. */
const SILENCE_LIMIT_MS = 15_000;

/** Longest time between two readings, and so the longest time to stop. */
const LONGEST_READING_MS = 2000;

/** After so many failures in a row, whether the server has changed is not known. */
const MOST_FAILED_CHECKS = 10;

/** How often the server is asked whether it runs, milliseconds, and after how many times for all of it. */
const [ALIVE_MS, TIMES_PER_CHECK] = [200, 5];

/** Milliseconds from one reading of the maps to the next, for windows of a length. */
export function periodOf(intervalMs: number): number {
  return intervalMs / readingsPerWindow(intervalMs);
}

function readingsPerWindow(intervalMs: number): number {
  return Math.ceil(intervalMs / LONGEST_READING_MS);
}

/** The server's code before probes were attached, and where they should be. */
interface CodeBefore {
  readonly sites: readonly Site[];
  readonly before: ChangedCode;
}

/** One attachment to one server. */
export class Segment {
  /** bpftrace's reason for its end, or why it was not started. */
  complaint = "";
  /** The programs that kept it from attaching, if known. */
  blamed: readonly string[] = [];
  readonly #state: WatchState;
  readonly #prepared: Prepared;
  readonly #server: Server;
  readonly #number: number;
  readonly #periodMs: number;
  #outcome: Outcome | null = null;
  /** When every probe was attached, by the clock of the readings; null before that. */
  #attachedAt: number | null = null;
  /** When the baseline was read, by the same clock. */
  #baselineAt: number | null = null;
  readonly #changes: ChangeWatch;
  #probes = 0;
  #readings = 0;
  /** Compares with Kea's own counters, from the first reading on. */
  #check: CounterCheck | null = null;
  /** When the server ran the last time that it was asked, and whether it has ended since; elapsed times. */
  #aliveNs = 0;
  #hasEnded = false;
  /** How many looks for a change have failed since the last that did not. */
  #failedChecks = 0;
  /** Whether the last reading came. */
  #isRead = false;
  /**
   * The first reading from then on is the last one. While probes are detached one by one, the remaining ones
   * continue to count, and their counts do not match.
   */
  #lastFrom = 0n;
  #limit: ReturnType<typeof setTimeout> | undefined;
  #run: ProbeRun | null = null;

  /** @param number of the segment, from 0. */
  constructor(state: WatchState, prepared: Prepared, server: Server, number: number) {
    this.#state = state;
    this.#prepared = prepared;
    this.#server = server;
    this.#number = number;
    this.#changes = new ChangeWatch(server, state.options.preparation);
    this.#periodMs = periodOf(state.options.intervalMs);
  }

  /** Attaches, reads, and yields records; returns why it ended. */
  async *records(): AsyncGenerator<CaptureRecord, Outcome> {
    const { plan, rendered, symbols } = this.#prepared;
    const { options } = this.#state;
    const sites = plan.sources.flatMap(({ sites }) => sites);
    const before = await options.preparation.codeBefore(this.#server.pid, sites);
    // The server is ending, or has unloaded a library since the plan was made.
    if (before === null) {
      return await this.#change() ?? "server changed";
    }
    // Right before attaching: the host's life comes first.
    const hung = sites.length > 0 ? await hungProcess() : null;
    if (hung !== null) {
      this.complaint = `${hung}, and no process of the host could fork while a file is probed: ` +
        "end it, or the file system that it waits for, and start the watch again";
      return "process hangs";
    }
    await using run = this.#run = ProbeRun.start(options.bpftrace, rendered, symbols);
    await using overhead = new OverheadMeter(run.pid, options.intervalMs);
    this.#limit = setTimeout(() => {
      this.complaint = `nothing in ${ATTACH_LIMIT_MS / 1000} s, this host may be too busy`;
      this.#stop("not attached");
    }, ATTACH_LIMIT_MS);
    const onAbort = () => this.#stopSoon("over");
    options.signal.addEventListener("abort", onAbort, { once: true });
    if (options.signal.aborted) onAbort();
    const stopChecks = this.#checkRegularly();
    try {
      const mapped = await readProc(this.#server.pid, "maps").catch(() => "");
      const samples = new SampleBuilder({
        server: this.#server,
        segment: this.#number,
        prepared: this.#prepared,
        overhead,
        mapped,
        functionsOf: options.preparation.functionsOf,
        top: options.top ?? 0,
        shown: (name) => options.redacts === true ? this.#state.redaction.hashOf(name) : name,
      });
      yield* this.#listen(run, { sites, before }, samples);
      return await this.#ended();
    } finally {
      this.#run = null;
      clearTimeout(this.#limit);
      stopChecks();
      await this.#check?.end();
      options.signal.removeEventListener("abort", onAbort);
    }
  }

  async *#listen(
    run: ProbeRun,
    code: CodeBefore,
    samples: SampleBuilder,
  ): AsyncGenerator<CaptureRecord> {
    const slow = new SlowPackets(
      this.#server.family,
      this.#state.options.slow?.redacts === false ? null : this.#state.redaction,
    );
    // Not for await: leaving the loop would end the events of a run that is still exiting.
    for (let next = await run.events.next(); !next.done; next = await run.events.next()) {
      const event = next.value;
      switch (event.type) {
        case "attached":
          yield* this.#attached(event.probes);
          if (!await this.#isWellPlaced(code)) return await run.abandon();
          break;
        case "reading":
          // Printed after detaching, or before everything was attached.
          if (event.nsecs === null || this.#attachedAt === null) break;
          if (event.nsecs < this.#attachedAt) break;
          yield* this.#reading(event.nsecs, event, samples);
          if (this.#outcome !== null && event.nsecs >= this.#lastFrom) {
            this.#isRead = true;
            this.#state.dying.push(run.abandon());
            return;
          }
          break;
        case "slow": {
          const { nsecs, packet } = slow.read(event.line);
          if (this.#baselineAt === null || nsecs < this.#baselineAt) break;
          yield { ...packet, elapsed_ns: this.#state.elapsedAt(nsecs) };
          break;
        }
        case "lost":
          yield this.#state.pastNote(`bpftrace lost ${event.events} of its own events`);
          break;
        case "ended":
          this.complaint = event.complaint || this.complaint ||
            `it ended with status ${event.code}`;
          if (this.#attachedAt === null) {
            this.blamed = programsIn(event.complaint, this.#prepared.plan);
          }
      }
    }
  }

  *#attached(probes: number): Generator<CaptureRecord> {
    this.#attachedAt = Number(monotonicTime());
    this.#probes = probes;
    const planned = this.#prepared.rendered.probes;
    if (probes === planned) return;
    yield this.#state.note(`${probes} probes are attached, ${planned} were planned`);
  }

  /** Whether every probe is at its verified place; otherwise the programs of the misplaced ones are to blame. */
  async #isWellPlaced({ sites, before }: CodeBefore): Promise<boolean> {
    const { preparation } = this.#state.options;
    const misplaced = await preparation.misplaced(this.#server.pid, sites, before);
    if (misplaced === null) return true;
    const { why, missing } = misplaced;
    this.#outcome = "not attached";
    this.complaint = why;
    this.blamed = this.#prepared.plan.sources.filter(({ sites }) =>
      missing.length === 0 ? sites.length > 0 : sites.some(({ id }) => missing.includes(id))
    ).map(({ file }) => file);
    return false;
  }

  async *#reading(
    nsecs: number,
    { maps, full }: Reading,
    samples: SampleBuilder,
  ): AsyncGenerator<CaptureRecord> {
    for (const name of full) {
      yield* this.#state.noteOnce(
        `${name} is full: new keys are not counted there any more`,
      );
    }
    if (this.#baselineAt === null) yield* this.#baseline(nsecs, maps, samples);
    else yield* this.#later(nsecs, maps, samples);
  }

  /** The baseline: counts from before, while probes were attached one by one, are ignored. */
  async *#baseline(
    nsecs: number,
    maps: Maps,
    samples: SampleBuilder,
  ): AsyncGenerator<CaptureRecord> {
    const { gap, options } = this.#state;
    this.#baselineAt = nsecs;
    const elapsedNs = this.#state.elapsedAt(nsecs);
    const deadline = this.#state.deadline ??= performance.now() + options.durationMs;
    const baseline = await samples.baseline(maps, nsecs, elapsedNs);
    this.#check = await CounterCheck.begin(this.#server);
    const unwatched = gap.wordsAt(elapsedNs);
    if (unwatched !== null) yield this.#state.pastNote(unwatched);
    gap.reading(elapsedNs);
    options.say(`Watching pid ${this.#server.pid} with ${this.#probes} probes`);
    yield baseline;
    yield* this.#unknownDrops(baseline);
    if (this.#outcome !== null) return;
    clearTimeout(this.#limit);
    this.#limit = setTimeout(() => this.#stop("over"), deadline - performance.now());
  }

  async *#later(nsecs: number, maps: Maps, samples: SampleBuilder): AsyncGenerator<CaptureRecord> {
    // The reading nearest to the end.
    const leftMs = this.#state.deadline! - performance.now();
    if (leftMs < this.#periodMs / 2) this.#stop("over");
    const contradiction = this.#check?.against(nsecs, maps) ?? null;
    if (contradiction !== null) {
      this.#check = null;
      yield this.#state.note(contradiction);
    }
    // If the next reading is the last, Kea's answer must come before it.
    if (leftMs >= this.#periodMs / 2) this.#check?.askInTime(leftMs < 1.5 * this.#periodMs);
    this.#readings++;
    const isWindow = this.#readings % readingsPerWindow(this.#state.options.intervalMs) === 0;
    if (this.#outcome === null && !isWindow) return;
    this.#askAlive();
    const elapsedNs = this.#elapsedAt(nsecs);
    this.#state.gap.reading(elapsedNs);
    const sample = await samples.next(maps, nsecs, elapsedNs);
    yield sample;
    yield* this.#unknownDrops(sample);
    if (this.#failedChecks >= MOST_FAILED_CHECKS) {
      yield* this.#state.noteOnce("Whether the server has changed is not known: it cannot be read");
    }
  }

  /** The elapsed time of a reading; what is read of a server that has ended is of its last moment. */
  #elapsedAt(nsecs: number): number {
    const elapsedNs = this.#state.elapsedAt(nsecs);
    if (!this.#hasEnded || elapsedNs <= this.#aliveNs) return elapsedNs;
    // A window is not empty.
    return Math.max(this.#aliveNs, this.#state.gap.lastNs + 1_000_000);
  }

  #askAlive(): void {
    const now = this.#state.elapsedNs;
    if (this.#hasEnded) return;
    if (isRunning(this.#server.pid, this.#server.startTicks)) this.#aliveNs = now;
    else this.#hasEnded = true;
  }

  async *#unknownDrops({ process, sockets }: Sample): AsyncGenerator<CaptureRecord> {
    const reason = "The kernel's drops are not known: sock_diag does not show the server's sockets";
    if (this.#server.sockets.length === 0 || process === null || sockets.length > 0) return;
    // The probes are attached again to a server that closed them.
    if (this.#state.reasons.includes(reason) || await this.#change() !== null) return;
    yield this.#state.note(reason);
  }

  async #ended(): Promise<Outcome> {
    const { gap } = this.#state;
    if (this.#outcome === "over" && !this.#isRead && gap.causes === "") {
      gap.cause(
        this.#baselineAt === null
          ? "It was stopped before every probe was attached"
          : "bpftrace gave no last reading",
      );
    }
    // It was over within a moment of its end.
    if (this.#outcome === "over" && this.#hasEnded) {
      gap.cause(`The server (pid ${this.#server.pid}) ended`);
    }
    return this.#outcome ?? await this.#change() ??
      (this.#attachedAt === null ? "not attached" : "bpftrace ended");
  }

  /** Ends with the next reading after a moment. */
  #stop(why: Outcome, from = 0n): void {
    const run = this.#run;
    if (this.#outcome !== null || run === null) return;
    this.#outcome = why;
    this.#lastFrom = from;
    clearTimeout(this.#limit);
    if (this.#attachedAt === null) run.stop();
    else this.#limit = setTimeout(() => run.stop(), this.#periodMs + SILENCE_LIMIT_MS);
  }

  /**
   * Ends with a reading that is made after now. Earlier ones may still be unread, and Kea's answer is compared
   * with the last reading.
   */
  #stopSoon(why: Outcome): void {
    if (this.#outcome !== null) return;
    this.#stop(why, monotonicTime() + BigInt(PATIENCE_MS) * 1_000_000n);
    this.#check?.ask();
    (this.#check?.end() ?? Promise.resolve()).then(() => this.#lastFrom = monotonicTime());
  }

  /** Checks whether the server runs, and every second whether it or the clock has changed. */
  #checkRegularly(): () => void {
    let isBusy = false;
    let times = 0;
    const timer = setInterval(async () => {
      // Reading a server with very many descriptors takes longer than a second.
      if (isBusy) return;
      isBusy = true;
      this.#askAlive();
      const change = this.#hasEnded
        ? "server ended"
        : ++times % TIMES_PER_CHECK === 0
        ? await this.#changed()
        : null;
      isBusy = false;
      if (change !== null) this.#stopSoon(change);
    }, ALIVE_MS);
    return () => clearInterval(timer);
  }

  /** What has changed of the server since the probes were attached; null for nothing. */
  #change(): Promise<ServerChange | null> {
    return changeOf(this.#server, this.#state.options.preparation);
  }

  /** A look that fails is repeated the next time. */
  async #changed(): Promise<Outcome | null> {
    try {
      const change = await this.#changes.look();
      this.#failedChecks = 0;
      return change ?? (wasSet(this.#prepared.wallClock) ? "clock set" : null);
    } catch {
      this.#failedChecks++;
      return null;
    }
  }
}

/** Whether the wall clock was set by a millisecond or more since the program got it. */
function wasSet(wallClock: bigint): boolean {
  if (wallClock === 0n) return false;
  const moved = wallClockOffset() - wallClock;
  return moved > 1_000_000n || moved < -1_000_000n;
}
