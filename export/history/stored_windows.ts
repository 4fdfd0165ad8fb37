/**
 * The windows of the last hour of one server, compressed, in bounded memory.
 *
 * @module
 */

import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { Window } from "../../metrics/document.ts";
import { Overview } from "../../metrics/overview.ts";
import { numbersOf, type WindowNumbers } from "./window_numbers.ts";

/** Monitoring overhead in one window. */
export interface WindowCost {
  readonly bpfSeconds: number;
  readonly hits: number;
  /** CPU of the exporter and of this server's bpftrace. */
  readonly monitorCpuSeconds: number;
  readonly monitorMemoryBytes: number;
  /** How long that was measured. */
  readonly seconds: number;
}

/** A window that is kept. */
export interface StoredWindow {
  /** Ascending. */
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly start: number;
  readonly end: number;
  readonly numbers: WindowNumbers;
  readonly cost: WindowCost;
  /** The window as JSON, deflated. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Bounds of {@linkcode StoredWindows}. */
export interface StoredWindowsOptions {
  /** Windows are merged until they are so long, milliseconds. */
  readonly spanMs?: number;
  /** How long a window is kept, milliseconds. */
  readonly keptMs?: number;
  /** The most bytes of all windows; the oldest are dropped. */
  readonly mostBytes?: number;
}

/** 240 windows per hour: more than a chart can show. */
const SPAN_MS = 15_000;

const HOUR_MS = 3_600_000;

/** An hour of a busy server takes about a quarter of it. */
const MOST_BYTES = 4 * 2 ** 20;

/** Objects of a kept window beside its bytes. */
const OVERHEAD_BYTES = 600;

const NO_COST: WindowCost = {
  bpfSeconds: 0,
  hits: 0,
  monitorCpuSeconds: 0,
  monitorMemoryBytes: 0,
  seconds: 0,
};

/** The span that still grows. */
interface Open {
  readonly number: number;
  readonly start: number;
  readonly overview: Overview;
  end: number;
  cost: WindowCost;
}

/** Keeps the windows of a server. */
export class StoredWindows {
  readonly #spanMs: number;
  readonly #keptMs: number;
  readonly #mostBytes: number;
  #windows: StoredWindow[] = [];
  #open: Open | null = null;
  #next = 0;
  #bytes = 0;

  constructor(options: StoredWindowsOptions = {}) {
    const { spanMs = SPAN_MS, keptMs = HOUR_MS, mostBytes = MOST_BYTES } = options;
    [this.#spanMs, this.#keptMs, this.#mostBytes] = [spanMs, keptMs, mostBytes];
  }

  /** About the memory that it takes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds the next window and what it cost. */
  add(window: Window, cost: WindowCost | null): void {
    const [start, end] = [Date.parse(window.start), Date.parse(window.end)];
    const open = this.#open;
    // Readings come a little late: three of 5 s are a span of 15 s.
    const isFull = open !== null && end - open.start > 1.25 * this.#spanMs;
    if (isFull || open !== null && Math.abs(start - open.end) > 1) this.close();
    this.#open ??= {
      ...{ number: this.#next++, start, overview: new Overview(1) },
      ...{ end, cost: NO_COST },
    };
    this.#open.overview.add(window);
    this.#open.end = end;
    if (cost !== null) this.#open.cost = costOf([this.#open.cost, cost]);
    this.prune(end);
  }

  /** Ends the span that still grows. */
  close(): void {
    if (this.#open === null) return;
    const stored = storedOf(this.#open);
    this.#open = null;
    this.#windows.push(stored);
    this.#bytes += stored.bytes.length + OVERHEAD_BYTES;
    while (this.#bytes > this.#mostBytes) this.drop();
  }

  /** Drops what is too old at a time, milliseconds since the epoch. */
  prune(now: number): void {
    while (this.#windows.length > 0 && this.#windows[0]!.end < now - this.#keptMs) this.drop();
  }

  /** The windows that end after a time, the one that still grows included. */
  since(time: number): StoredWindow[] {
    const found = this.#windows.filter(({ end }) => end > time);
    const { overview } = this.#open ?? {};
    return overview === undefined || this.#open!.end <= time
      ? found
      : [...found, storedOf(this.#open!)];
  }

  /** Drops the oldest window; returns how many bytes that gives. */
  drop(): number {
    const oldest = this.#windows.shift();
    const bytes = oldest === undefined ? 0 : oldest.bytes.length + OVERHEAD_BYTES;
    this.#bytes -= bytes;
    return bytes;
  }
}

function storedOf({ number, start, end, overview, cost }: Open): StoredWindow {
  const [window] = overview.windows();
  const bytes = deflateRawSync(JSON.stringify(window));
  // Its buffer may be larger.
  return { number, start, end, cost, numbers: numbersOf(window!), bytes: new Uint8Array(bytes) };
}

/** The JSON of a kept window. */
export function textOf({ bytes }: Pick<StoredWindow, "bytes">): string {
  return inflateRawSync(bytes).toString();
}

/** The cost of several windows together. */
export function costOf(costs: readonly WindowCost[]): WindowCost {
  return costs.reduce((all, cost) => ({
    bpfSeconds: all.bpfSeconds + cost.bpfSeconds,
    hits: all.hits + cost.hits,
    monitorCpuSeconds: all.monitorCpuSeconds + cost.monitorCpuSeconds,
    monitorMemoryBytes: Math.max(all.monitorMemoryBytes, cost.monitorMemoryBytes),
    seconds: all.seconds + cost.seconds,
  }), NO_COST);
}
