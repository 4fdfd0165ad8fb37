/**
 * What the service manager gets to know of the watched servers.
 *
 * @module
 */

import type { CaptureRecord } from "../../metrics/capture.ts";
import type { FleetObserver } from "../watching/fleet_observer.ts";
import { WatchState } from "../watching/watch_state.ts";

/** A server that is watched. */
interface Watched {
  readonly watch: WatchState;
  /** When the last record came, milliseconds. */
  last: number;
}

/** The most servers that the status line names. */
const MOST_NAMES = 8;

/** Follows what the fleet sees. */
export class ServiceStatus implements FleetObserver {
  readonly #watched = new Map<string, Watched>();
  /** Servers that were read, or could not be watched, at least once. */
  readonly #settled = new Set<string>();
  #isSettled = false;
  readonly #now: () => number;

  /** @param now a clock that is never set, milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  next(server: string, record: CaptureRecord): void {
    const watched = this.#watched.getOrInsertComputed(
      server,
      () => ({ watch: new WatchState(), last: 0 }),
    );
    watched.watch.next(record);
    watched.last = this.#now();
    if (record.type === "sample") this.#settle(server);
  }

  gone(server: string): void {
    this.#watched.delete(server);
    this.#settle(server);
  }

  /**
   * Whether the start is over: each server was read once, or could not be watched and is tried again.
   *
   * @param servers how many run.
   */
  isSettled(servers: number): boolean {
    return this.#isSettled ||= this.#settled.size >= servers;
  }

  #settle(server: string): void {
    if (!this.#isSettled) this.#settled.add(server);
  }

  /** The server from which nothing came for so many milliseconds; null if there is none. */
  silent(limitMs: number): string | null {
    const since = this.#now() - limitMs;
    return this.#watched.entries().find(([, { last }]) => last < since)?.[0] ?? null;
  }

  /**
   * A line for people.
   *
   * @param servers how many run.
   */
  text(servers: number): string {
    if (servers === 0) return "Waiting for a Kea DHCP server";
    const names = [...this.#watched].map(([server, { watch: { attached, phase, isWhole } }]) => {
      const { server: { pid }, plan: { files } } = attached!;
      const what = phase === "watched" ? `${files.length} programs` : "attaching";
      return `${server} (pid ${pid}, ${what}${isWhole ? "" : ", incomplete"})`;
    });
    const listed = names.slice(0, MOST_NAMES);
    if (names.length > listed.length) listed.push(`${names.length - listed.length} more`);
    const watching = names.length === 0 ? "" : `Watching ${listed.join(", ")}`;
    const others = servers - names.length;
    const preparing = others > 0 ? `${others} not yet watched` : "";
    return [watching, preparing].filter((part) => part !== "").join("; ");
  }
}
