/**
 * What the service manager gets to know of the watched servers.
 *
 * @module
 */

import type { CaptureRecord } from "../../metrics/capture.ts";
import type { FleetObserver } from "../watching/fleet_observer.ts";

/** A server that is watched. */
interface Watched {
  readonly pid: number;
  readonly programs: number;
  /** Whether its programs have been read, and nothing was missed since they were attached. */
  readonly isRead: boolean;
  readonly isComplete: boolean;
  /** When the last record came, milliseconds. */
  readonly last: number;
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
    const last = this.#now();
    if (record.type === "capture" || record.type === "segment") {
      const [pid, programs] = [record.server.pid, record.plan.files.length];
      this.#watched.set(server, { pid, programs, isRead: false, isComplete: true, last });
      return;
    }
    const before = this.#watched.get(server);
    if (before === undefined) return;
    if (record.type === "sample") this.#settle(server);
    this.#watched.set(server, {
      ...before,
      isRead: before.isRead || record.type === "sample",
      isComplete: before.isComplete && record.type !== "note",
      last,
    });
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
    const names = [...this.#watched].map(([server, { pid, programs, isRead, isComplete }]) => {
      const what = isRead ? `${programs} programs` : "attaching";
      return `${server} (pid ${pid}, ${what}${isComplete ? "" : ", incomplete"})`;
    });
    const listed = names.slice(0, MOST_NAMES);
    if (names.length > listed.length) listed.push(`${names.length - listed.length} more`);
    const watching = names.length === 0 ? "" : `Watching ${listed.join(", ")}`;
    const others = servers - names.length;
    const preparing = others > 0 ? `${others} not yet watched` : "";
    return [watching, preparing].filter((part) => part !== "").join("; ");
  }
}
