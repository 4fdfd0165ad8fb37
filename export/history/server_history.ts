/**
 * The last hour of one server, through its restarts.
 *
 * @module
 */

import type { CaptureHeader, CaptureRecord, CostSample, Sample } from "../../metrics/capture.ts";
import type { ListedPacket, Window } from "../../metrics/document.ts";
import { DocumentBuilder } from "../../metrics/document_builder.ts";
import { type WatchPhase, WatchState } from "../watching/watch_state.ts";
import { StoredWindows, type WindowCost } from "./stored_windows.ts";

/** Why not all is seen, and for how long that holds; milliseconds since the epoch. */
export interface HistoryNote {
  readonly from: number;
  /** Null as long as the same probes are attached. */
  until: number | null;
  readonly reason: string;
}

/** A process that was watched. */
export interface WatchedProcess {
  readonly from: number;
  readonly pid: number;
  readonly version: string;
}

/** Bounds of lists, and of a text in them. */
const [MOST_NOTES, MOST_SLOW, MOST_PROCESSES, LONGEST_TEXT] = [100, 200, 20, 500];

const [MINUTE_MS, HOUR_MS] = [60_000, 3_600_000];

/** A reading is late when three should have come, and so many milliseconds. */
const LATE_MS = 2000;

/** Keeps what the page and the document API show. */
export class ServerHistory {
  readonly name: string;
  readonly windows: StoredWindows;
  /** The newest header; its server is the one that is watched. Null if none came. */
  header: CaptureHeader | null = null;
  notAvailable: readonly { readonly metric: string; readonly why: string }[] = [];
  /** Milliseconds since the epoch; null before. */
  lastReading: number | null = null;
  goneAt: number | null = null;
  /** Requests without an answer at the newest reading. */
  pending = 0;
  #notes: HistoryNote[] = [];
  #slow: ListedPacket[] = [];
  /** Slow packets that were left out of the list, by the minute in which they were answered. */
  #omitted = new Map<number, number>();
  #processes: WatchedProcess[] = [];
  /** Makes slow packets of records. */
  #builder = new DocumentBuilder();
  #before: Sample | null = null;
  readonly #watch = new WatchState();

  /** @param name the label `server`. */
  constructor(name: string, windows = new StoredWindows()) {
    this.name = name;
    this.windows = windows;
  }

  /** What is done with the server now. */
  get state(): WatchPhase {
    return this.#watch.phase;
  }

  /** Why not all is seen, the oldest first. */
  get notes(): readonly HistoryNote[] {
    return this.#notes;
  }

  /** Slow packets, the oldest first. */
  get slow(): readonly ListedPacket[] {
    return this.#slow;
  }

  /** How many slow packets after a time are not in the list, to the minute. */
  slowOmittedSince(time: number): number {
    return this.#omitted.entries()
      .reduce((sum, [minute, count]) => minute * MINUTE_MS >= time ? sum + count : sum, 0);
  }

  /** Whether it should have been read by now. */
  isLate(now = Date.now()): boolean {
    const patience = 3000 * (this.header?.interval_seconds ?? 0) + LATE_MS;
    return this.state === "watched" && now - (this.lastReading ?? now) > patience;
  }

  /** The processes that were watched, the oldest first. */
  get processes(): readonly WatchedProcess[] {
    return this.#processes;
  }

  /** Takes a record of the watch, and the window that ends with it. */
  next(record: CaptureRecord, window: Window | null, now = Date.now()): void {
    this.#watch.next(record);
    switch (record.type) {
      case "capture":
        this.#begin(record, now);
        break;
      case "segment":
        this.#attached(now);
        this.header = { ...this.header!, server: record.server, plan: record.plan };
        this.notAvailable = record.plan.not_available;
        break;
      case "note":
        this.#note(record.reason, now);
        break;
      case "slow":
        this.#addSlow(this.#builder.slowPacket(record));
        break;
      case "end":
        this.notAvailable = record.not_available;
        for (const reason of record.reasons) this.#note(reason, now);
        break;
      case "sample":
        this.lastReading = now;
        this.pending = Object.values(record.requests.pending).reduce((sum, each) => sum + each, 0);
        if (window !== null) this.windows.add(window, costBetween(this.#before, record));
        this.#before = record;
        break;
      case "traffic":
        break;
    }
  }

  /**
   * The process has ended, or is not watched for now.
   *
   * @param isRunning whether it is still there.
   */
  gone(isRunning: boolean, now = Date.now()): void {
    this.#watch.gone(isRunning);
    this.goneAt = now;
    this.#endNotes(now);
    this.windows.close();
    this.#before = null;
  }

  /** Drops what is older than an hour. */
  prune(now = Date.now()): void {
    this.windows.prune(now);
    const since = now - HOUR_MS;
    this.#notes = this.#notes.filter(({ until }) => until === null || until > since);
    this.#slow = this.#slow.filter(({ time }) => Date.parse(time) > since);
    for (const minute of this.#omitted.keys()) {
      if (minute * MINUTE_MS < since) this.#omitted.delete(minute);
    }
  }

  #begin(header: CaptureHeader, now: number): void {
    this.#attached(now);
    this.header = header;
    this.notAvailable = header.plan.not_available;
    this.goneAt = null;
    this.#builder = new DocumentBuilder();
    this.#builder.next(header);
    const { pid, version } = header.server;
    if (this.#processes.at(-1)?.pid === pid) return;
    this.#processes = [...this.#processes, { from: now, pid, version }].slice(-MOST_PROCESSES);
  }

  /** Other probes are attached: notes of those before are over. */
  #attached(now: number): void {
    this.#endNotes(now);
    this.#before = null;
  }

  #endNotes(now: number): void {
    for (const note of this.#notes) note.until ??= now;
    this.prune(now);
  }

  #note(reason: string, now: number): void {
    const text = reason.slice(0, LONGEST_TEXT);
    if (this.#notes.some((note) => note.until === null && note.reason === text)) return;
    this.#notes = [...this.#notes, { from: now, until: null, reason: text }].slice(-MOST_NOTES);
  }

  #addSlow(packet: ListedPacket): void {
    this.#slow.push(packet);
    if (this.#slow.length <= MOST_SLOW) return;
    const minute = Math.floor(Date.parse(this.#slow.shift()!.time) / MINUTE_MS);
    this.#omitted.set(minute, (this.#omitted.get(minute) ?? 0) + 1);
  }
}

/** The cost of the window between two samples; null if it is not known. */
function costBetween(before: Sample | null, now: Sample): WindowCost | null {
  if (before === null || before.segment !== now.segment) return null;
  if (before.cost === null || now.cost === null) return null;
  const more = (name: keyof CostSample) => Math.max(0, now.cost![name] - before.cost![name]);
  return {
    bpfSeconds: more("bpf_seconds"),
    hits: more("hits"),
    monitorCpuSeconds: more("monitor_cpu_seconds"),
    monitorMemoryBytes: now.cost.monitor_memory_bytes,
    seconds: (now.elapsed_ns - before.elapsed_ns) / 1e9,
  };
}
