/**
 * All Kea servers of this host, each watched as long as it runs, and later ones.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import { KeaLookout } from "../../discovery/kea_lookout.ts";
import { keaAt, openSockets, type RunningKea } from "../../discovery/servers.ts";
import type { Bpftrace } from "../../probes/bpftrace.ts";
import { inAChild } from "../../probes/prepare_in_child.ts";
import type { CountingOptions } from "../../probes/packet_counting.ts";
import type { Profile } from "../../probes/programs.ts";
import { watch } from "../../probes/watch.ts";
import { LONGEST_WATCH_MS } from "../../probes/watch_state.ts";
import { Backoff } from "../../system/backoff.ts";
import { oneLine, type Say } from "../../system/command_line.ts";
import { ageOf, statOf } from "../../system/proc.ts";
import { isHeldUp } from "../../system/read_proc.ts";
import type { Accumulator } from "../prometheus/accumulator.ts";
import { gauge } from "../prometheus/families.ts";
import { type Candidate, candidateOf, placed } from "./candidate.ts";
import type { FleetObserver } from "./fleet_observer.ts";
import { ServerNames } from "./server_names.ts";
import { ServerStatus } from "./server_status.ts";
import type { SlowThresholds } from "./slow_thresholds.ts";

/** Options of {@linkcode Fleet}. */
export interface FleetOptions {
  /** Which servers of the host are watched. */
  readonly isChosen: (kea: RunningKea) => boolean;
  /** Those that are watched first; none without it. */
  readonly isNamed?: (kea: RunningKea) => boolean;
  /** The most servers that are watched at once; any process can call itself a Kea. */
  readonly most?: number;
  readonly profile: Profile;
  readonly bpftrace: Bpftrace;
  /** Time between two readings, milliseconds. */
  readonly intervalMs: number;
  /** A server that is older has opened its sockets, seconds; before that, it reads its leases. */
  readonly startedSeconds?: number;
  /** What is counted beyond the profile. */
  readonly counting?: CountingOptions;
  readonly accumulator: Accumulator;
  /** Lists the packets that are slower; none without it. */
  readonly slow?: SlowThresholds;
  /** Get every record, in this order. */
  readonly observers?: readonly FleetObserver[];
  readonly signal: AbortSignal;
  readonly say: Say;
}

/** The most servers, and of those that a user can have started. */
const [MOST_SERVERS, MOST_DOUBTFUL] = [32, 4];

/** How many are named in a warning. */
const MOST_NAMED = 5;

const NOT_WATCHED = gauge(
  "servers_not_watched",
  "Processes that call themselves Kea and are not watched, because they are too many.",
);

/** The most servers that are exposed: those that run, and the newest of those that have ended. */
const MOST_EXPOSED = 64;

/** A `startedSeconds` that is enough for many leases. */
const STARTED_SECONDS = 30;

/** How often the host is asked for servers, milliseconds. */
const LOOK_MS = 1000;

/** The watch of one process. */
interface Following {
  readonly end: Promise<void>;
  /** Ends it: another process gets its place or its name. */
  readonly stop: () => void;
}

/** The servers that are watched now. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #names = new ServerNames();
  readonly #statuses = new Map<string, ServerStatus>();
  /** The process that had each name last. */
  readonly #holders = new Map<string, RunningKea>();
  /** Those that run, in the order in which they came, by process id and start. */
  #candidates = new Map<string, Candidate>();
  /** By process id; and the newest of each name, because one process takes the place of another. */
  readonly #watching = new Map<number, Following>();
  readonly #turns = new Map<string, Promise<void>>();
  #notWatched = 0;
  /** The servers that run now. */
  readonly #running = new Set<ServerStatus>();

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** Whether at least one server is watched, and all that are watched have been read. */
  get isReady(): boolean {
    return this.#running.size > 0 && this.#running.values().every((status) => status.isReady);
  }

  /** How many servers are watched. */
  get size(): number {
    return this.#watching.size;
  }

  /** Watches until the signal comes, and every probe is detached. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    const lookout = new KeaLookout();
    while (!signal.aborted) {
      await this.#learn(lookout.look().filter(this.#options.isChosen));
      this.#watch();
      await pause(LOOK_MS, undefined, { signal }).catch(() => {});
    }
    await Promise.all(this.#watching.values().map(({ end }) => end));
  }

  /** Finds out who the new processes are, and forgets those that have ended. */
  async #learn(keas: readonly RunningKea[]): Promise<void> {
    const keys = new Map(keas.map((kea) => [keyOf(kea), kea]));
    const known = [...this.#candidates].filter(([key]) => keys.has(key));
    const fresh = [...keys].filter(([key]) => !this.#candidates.has(key));
    const isNamed = this.#options.isNamed ?? (() => false);
    const found = await Promise.all(
      fresh.map(async ([key, kea]) => [key, await candidateOf(kea, isNamed)] as const),
    );
    this.#candidates = new Map([
      ...known,
      ...found.flatMap(([key, candidate]) => candidate === null ? [] : [[key, candidate] as const]),
    ]);
  }

  /** Watches the first by rank, and no others. */
  #watch(): void {
    const { most = MOST_SERVERS } = this.#options;
    const candidates = [...this.#candidates.values()];
    const running = new Set(candidates.map(({ kea }) => kea.pid));
    // One that may be an attack can hang, end, and leave its place to the next.
    const mostDoubtful = isHeldUp() ? 0 : MOST_DOUBTFUL;
    const chosen = placed(candidates, { most, mostDoubtful });
    const places = new Set(chosen.map(({ kea }) => kea.pid));
    this.#reportOthers(candidates.filter(({ kea }) => !places.has(kea.pid)));
    for (const pid of running) if (!places.has(pid)) this.#watching.get(pid)?.stop();
    for (const candidate of chosen) {
      const { kea } = candidate;
      if (this.#watching.has(kea.pid) || this.#watching.size >= most) continue;
      const naming = this.#names.nameOf(candidate, running);
      // It is watched when the other one has ended.
      if ("holder" in naming) this.#watching.get(naming.holder)?.stop();
      else this.#begin(kea, naming.name);
    }
  }

  #begin(kea: RunningKea, name: string): void {
    const stopping = new AbortController();
    const signal = AbortSignal.any([this.#options.signal, stopping.signal]);
    const end = this.#follow(kea, name, this.#turns.get(name), signal)
      .finally(() => this.#watching.delete(kea.pid));
    this.#watching.set(kea.pid, { end, stop: () => stopping.abort() });
    this.#turns.set(name, end);
    // What has ended need not be waited for.
    end.finally(() => this.#turns.get(name) === end && this.#turns.delete(name));
  }

  /** Says once that some are not watched, and how many, as a metric. */
  #reportOthers(others: readonly Candidate[]): void {
    const { most = MOST_SERVERS, accumulator, say } = this.#options;
    accumulator.set(NOT_WATCHED, {}, BigInt(others.length));
    if (others.length > 0 && this.#notWatched === 0) {
      const named = others.slice(0, MOST_NAMED).map(({ kea }) => kea.pid).join(", ");
      const rest = others.length > MOST_NAMED ? ` and ${others.length - MOST_NAMED} more` : "";
      say(
        `Not watched: process ${named}${rest}. At most ${most} servers are watched, ${MOST_DOUBTFUL} of them ` +
          `started by users; choose some with --server`,
        "warning",
      );
    }
    this.#notWatched = others.length;
  }

  /** Watches one process until it ends, when the one before it has come to its end. */
  async #follow(
    kea: RunningKea,
    name: string,
    before: Promise<void> | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { say } = this.#options;
    await before;
    const holder = this.#holders.get(name);
    // What was counted is another server's, not that of this one before a restart.
    if (holder !== undefined && holder.pid !== kea.pid && isThere(holder)) this.#drop(name);
    this.#holders.set(name, kea);
    const status = this.#statuses.get(name) ?? new ServerStatus(name, this.#options.accumulator);
    // The newest is the last.
    this.#statuses.delete(name);
    this.#statuses.set(name, status);
    this.#running.add(status);
    const backoff = new Backoff();
    while (!signal.aborted && isThere(kea)) {
      try {
        await this.#watchOnce(kea, name, status, signal, () => backoff.reset());
      } catch (error) {
        if (!signal.aborted && isThere(kea)) {
          say(`${name}: ${oneLine(error)}; trying again`, "warning");
        }
      }
      if (!isThere(kea)) break;
      this.#gone(name, status, true);
      await backoff.pause(signal);
    }
    this.#gone(name, status, isThere(kea));
    this.#running.delete(status);
    this.#names.free(kea.pid);
    this.#forget();
  }

  /** Names have units and process ids of others, without an end: those that ended first are forgotten. */
  #forget(): void {
    for (const [name, status] of this.#statuses) {
      if (this.#statuses.size <= MOST_EXPOSED) return;
      if (this.#running.has(status) || this.#turns.has(name)) continue;
      this.#drop(name);
    }
  }

  #drop(name: string): void {
    this.#statuses.delete(name);
    this.#holders.delete(name);
    this.#options.accumulator.forget(name);
  }

  #gone(name: string, status: ServerStatus, isRunning: boolean): void {
    status.gone(isRunning);
    for (const observer of this.#options.observers ?? []) observer.gone(name, isRunning);
  }

  async #watchOnce(
    kea: RunningKea,
    name: string,
    status: ServerStatus,
    signal: AbortSignal,
    onRead: () => void,
  ): Promise<void> {
    const { profile, bpftrace, intervalMs, startedSeconds = STARTED_SECONDS } = this.#options;
    const { counting, observers = [] } = this.#options;
    const say: Say = (line, level) => this.#options.say(`${name}: ${line}`, level);
    await hasStarted(kea, startedSeconds, signal);
    const preparation = inAChild(signal);
    const server = await preparation.describe(kea.pid);
    const how = { bpftrace, signal, say, preparation };
    const slow = await this.#options.slow?.of(name, server, how);
    const records = watch({
      ...counting,
      ...slow === undefined ? {} : { slow },
      server,
      profile,
      bpftrace,
      intervalMs,
      durationMs: LONGEST_WATCH_MS,
      // The process that takes its place is found as any other.
      restartGraceMs: 0,
      preparation,
      signal,
      say,
    });
    for await (const record of records) {
      const window = status.next(record);
      for (const observer of observers) observer.next(name, record, window);
      if (record.type === "sample") onRead();
    }
  }
}

/**
 * Waits for the sockets of a server that has just been started: before, it would get a plan without packets.
 *
 * @throws {Deno.errors.NotFound} when it has ended.
 */
async function hasStarted(
  { pid, family }: RunningKea,
  seconds: number,
  signal: AbortSignal,
): Promise<void> {
  while ((ageOf(pid) ?? Infinity) < seconds) {
    if ((await openSockets(pid, family)).length > 0) return;
    await pause(LOOK_MS, undefined, { signal });
  }
}

/** What no other process has. */
function keyOf({ pid, executable }: RunningKea): string {
  return `${pid} ${statOf(pid)?.startTicks} ${executable}`;
}

function isThere({ pid, executable }: RunningKea): boolean {
  return keaAt(pid)?.executable === executable;
}
