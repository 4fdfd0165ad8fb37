/**
 * The last hour of every server of the host, for the page and the document API.
 *
 * @module
 */

import type { CaptureRecord } from "../../metrics/capture.ts";
import type { Window } from "../../metrics/document.ts";
import type { FleetObserver } from "../watching/fleet_observer.ts";
import { ServerHistory } from "./server_history.ts";

/** The most servers that are kept: those that run, and some that are gone. */
const MOST_SERVERS = 64;

/** The most bytes of the windows of all servers. */
const MOST_BYTES = 24 * 2 ** 20;

/** Keeps the history of each server, and says what changes. */
export class History implements FleetObserver {
  readonly #servers = new Map<string, ServerHistory>();
  readonly #listeners = new Set<(server: string) => void>();
  readonly #mostBytes: number;

  /** @param mostBytes the most bytes of the windows of all servers. */
  constructor(mostBytes = MOST_BYTES) {
    this.#mostBytes = mostBytes;
  }

  /** The servers, by name. */
  get servers(): readonly ServerHistory[] {
    return [...this.#servers.values()].toSorted((a, b) => a.name < b.name ? -1 : 1);
  }

  /** A server; undefined if it was never watched, or is forgotten. */
  get(name: string): ServerHistory | undefined {
    return this.#servers.get(name);
  }

  /** Calls `listener` with the name of each server that has changed, until it is disposed. */
  onChange(listener: (server: string) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  next(server: string, record: CaptureRecord, window: Window | null): void {
    this.#serverOf(server).next(record, window);
    if (window !== null) this.#makeRoom();
    this.#changed(server);
  }

  gone(server: string, isRunning: boolean): void {
    this.#serverOf(server).gone(isRunning);
    this.#changed(server);
  }

  #serverOf(name: string): ServerHistory {
    const found = this.#servers.get(name);
    if (found !== undefined) return found;
    const server = new ServerHistory(name);
    this.#servers.set(name, server);
    this.#forget();
    return server;
  }

  /** Forgets those that are gone the longest, if there are too many. */
  #forget(): void {
    while (this.#servers.size > MOST_SERVERS) {
      const [oldest] = this.servers.filter(({ goneAt }) => goneAt !== null)
        .toSorted((a, b) => a.goneAt! - b.goneAt!);
      if (oldest === undefined) return;
      this.#servers.delete(oldest.name);
    }
  }

  /** Drops what is too old, and the oldest windows of the largest server if all are too large. */
  #makeRoom(): void {
    const servers = [...this.#servers.values()];
    const now = Date.now();
    for (const server of servers) server.prune(now);
    let bytes = servers.reduce((sum, { windows }) => sum + windows.bytes, 0);
    while (bytes > this.#mostBytes) {
      const { windows } = servers.reduce((a, b) => b.windows.bytes > a.windows.bytes ? b : a);
      bytes -= windows.drop();
    }
  }

  #changed(server: string): void {
    for (const listener of this.#listeners) listener(server);
  }
}
