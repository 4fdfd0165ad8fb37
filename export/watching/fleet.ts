/**
 * All Kea servers of this host, each watched as long as it runs, and later ones.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import { KeaLookout } from "../../discovery/kea_lookout.ts";
import { keaAt, type RunningKea } from "../../discovery/servers.ts";
import type { Bpftrace } from "../../probes/bpftrace.ts";
import { IN_A_CHILD } from "../../probes/prepare_in_child.ts";
import type { Profile } from "../../probes/programs.ts";
import { watch } from "../../probes/watch.ts";
import { LONGEST_WATCH_MS } from "../../probes/watch_state.ts";
import { oneLine, type Say } from "../../system/command_line.ts";
import type { Accumulator } from "../prometheus/accumulator.ts";
import type { FleetObserver } from "./fleet_observer.ts";
import { ServerNames } from "./server_names.ts";
import { ServerStatus } from "./server_status.ts";
import type { SlowThresholds } from "./slow_thresholds.ts";

/** Options of {@linkcode Fleet}. */
export interface FleetOptions {
  /** Which servers of the host are watched. */
  readonly isChosen: (kea: RunningKea) => boolean;
  /** The most servers that are watched at once; any process can call itself a Kea. */
  readonly most?: number;
  readonly profile: Profile;
  readonly bpftrace: Bpftrace;
  /** Time between two readings, milliseconds. */
  readonly intervalMs: number;
  readonly accumulator: Accumulator;
  /** Lists the packets that are slower; none without it. */
  readonly slow?: SlowThresholds;
  /** Get every record, in this order. */
  readonly observers?: readonly FleetObserver[];
  readonly signal: AbortSignal;
  readonly say: Say;
}

/** The most servers, where no other number is given. */
const MOST_SERVERS = 32;

/** The most servers that are exposed: those that run, and the newest of those that have ended. */
const MOST_EXPOSED = 64;

/** How often the host is asked for servers, milliseconds. */
const LOOK_MS = 1000;

/** Pause before a server is tried again that was not watched to its end; twice as long each time. */
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [2000, 60_000];

/** The servers that are watched now. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #names = new ServerNames();
  readonly #statuses = new Map<string, ServerStatus>();
  /** By process id; and the newest of each name, because one process takes the place of another. */
  readonly #watching = new Map<number, Promise<void>>();
  readonly #turns = new Map<string, Promise<void>>();
  #isFull = false;
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
      const keas = lookout.look();
      const pids = new Set(keas.map(({ pid }) => pid));
      for (const kea of keas) {
        if (this.#watching.has(kea.pid) || !this.#options.isChosen(kea)) continue;
        if (!this.#hasRoom()) break;
        const name = this.#names.nameOf(kea, pids);
        if (name === null) continue;
        const turn = this.#follow(kea, name, this.#turns.get(name))
          .finally(() => this.#watching.delete(kea.pid));
        this.#watching.set(kea.pid, turn);
        this.#turns.set(name, turn);
        // What has ended need not be waited for.
        turn.finally(() => this.#turns.get(name) === turn && this.#turns.delete(name));
      }
      await pause(LOOK_MS, undefined, { signal }).catch(() => {});
    }
    await Promise.all(this.#watching.values());
  }

  /** Whether another server can be watched; says once that it cannot. */
  #hasRoom(): boolean {
    const { most = MOST_SERVERS, say } = this.#options;
    const isFull = this.#watching.size >= most;
    if (isFull && !this.#isFull) {
      say(`Watching ${most} servers, no more: choose some with --server`, "warning");
    }
    this.#isFull = isFull;
    return !isFull;
  }

  /** Watches one process until it ends, when the one before it has come to its end. */
  async #follow(kea: RunningKea, name: string, before: Promise<void> | undefined): Promise<void> {
    const { signal, say } = this.#options;
    await before;
    const status = this.#statuses.get(name) ?? new ServerStatus(name, this.#options.accumulator);
    // The newest is the last.
    this.#statuses.delete(name);
    this.#statuses.set(name, status);
    this.#running.add(status);
    let wait = FIRST_PAUSE_MS;
    while (!signal.aborted && isThere(kea)) {
      try {
        await this.#watchOnce(kea, name, status, () => wait = FIRST_PAUSE_MS);
      } catch (error) {
        if (isThere(kea)) say(`${name}: ${oneLine(error)}; trying again`, "warning");
      }
      if (!isThere(kea)) break;
      this.#gone(name, status, true);
      await pause(wait, undefined, { signal }).catch(() => {});
      wait = Math.min(2 * wait, LONGEST_PAUSE_MS);
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
      this.#statuses.delete(name);
      this.#options.accumulator.forget(name);
    }
  }

  #gone(name: string, status: ServerStatus, isRunning: boolean): void {
    status.gone(isRunning);
    for (const observer of this.#options.observers ?? []) observer.gone(name, isRunning);
  }

  async #watchOnce(
    { pid }: RunningKea,
    name: string,
    status: ServerStatus,
    onRead: () => void,
  ): Promise<void> {
    const { profile, bpftrace, intervalMs, observers = [], signal } = this.#options;
    const say: Say = (line, level) => this.#options.say(`${name}: ${line}`, level);
    const server = await IN_A_CHILD.describe(pid);
    const how = { bpftrace, signal, say, preparation: IN_A_CHILD };
    const slow = await this.#options.slow?.of(name, server, how);
    const records = watch({
      ...slow === undefined ? {} : { slow },
      server,
      profile,
      bpftrace,
      intervalMs,
      durationMs: LONGEST_WATCH_MS,
      // The process that takes its place is found as any other.
      restartGraceMs: 0,
      preparation: IN_A_CHILD,
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

function isThere({ pid, executable }: RunningKea): boolean {
  return keaAt(pid)?.executable === executable;
}
