/**
 * Converts readings of /proc and sock_diag to series: CPU, memory, page faults, kernel drops.
 *
 * @module
 */

import type { ProcessSample, SocketSample } from "./capture.ts";
import { errorSeries } from "./counted_maps.ts";
import type { OwnSeriesName, SeriesBook } from "./series_book.ts";

/**
 * Adds the server's usage between two readings.
 *
 * @returns its CPU seconds; 0 if a reading is missing.
 */
export function addProcess(
  book: SeriesBook,
  before: ProcessSample | null,
  now: ProcessSample | null,
  seconds: number,
): number {
  if (now === null || before === null || seconds <= 0) return 0;
  const threads = new Map(before.threads.map((thread) => [thread.tid, thread]));
  const all = { user: 0, system: 0 };
  const add = (thread: string, mode: string, spent: number) => {
    book.set(cpuUsage({ mode, thread }, "ratio"), spent / seconds, seconds);
    book.add(cpuUsage({ mode, thread }, "seconds"), spent);
  };
  for (const { tid, thread, user_seconds, system_seconds } of now.threads) {
    const earlier = threads.get(tid);
    const user = user_seconds - (earlier?.user_seconds ?? 0);
    const system = system_seconds - (earlier?.system_seconds ?? 0);
    all.user += user;
    all.system += system;
    add(thread, "user", user);
    add(thread, "system", system);
  }
  add("all", "user", all.user);
  add("all", "system", all.system);
  for (const [kind, bytes] of Object.entries(now.memory)) {
    book.set(memoryUsage(kind, "bytes"), bytes, seconds);
  }
  for (const kind of ["minor", "major"] as const) {
    const faults = now[`${kind}_faults`] - before[`${kind}_faults`];
    book.add(memoryUsage(kind, "faults"), faults);
  }
  if (now.throttled_seconds !== null && before.throttled_seconds !== null) {
    const throttled = now.throttled_seconds - before.throttled_seconds;
    book.add(cpuUsage({ mode: "throttled", thread: "all" }, "seconds"), throttled);
  }
  return all.user + all.system;
}

const cpuUsage = (labels: OwnSeriesName["labels"], unit: string): OwnSeriesName => ({
  metric: "cpu_usage",
  labels,
  unit,
});

const memoryUsage = (kind: string, unit: string): OwnSeriesName => ({
  metric: "memory_usage",
  labels: { kind },
  unit,
});

/** Kernel drops by socket of one segment, also across readings that miss a socket. */
export class SocketDrops {
  readonly #known = new Map<string, number>();

  /** Adds a reading; drops from before the first one do not count. */
  add(book: SeriesBook, sockets: readonly SocketSample[]): void {
    const first = this.#known.size === 0;
    for (const { id, socket, drops } of sockets) {
      // A socket that is opened later counts from zero.
      const before = this.#known.get(id) ?? (first ? drops : 0);
      this.#known.set(id, drops);
      book.add(errorSeries({ kind: "kernel_drop", id: socket }), drops - before);
    }
  }
}
