/**
 * From samples to windows.
 *
 * @module
 */

import type { CaptureHeader, PlanRecord, Sample } from "./capture.ts";
import {
  type Adding,
  addingOf,
  countsOf,
  type Dictionary,
  errorSeries,
  keyLength,
  type KeyPart,
  NO_NAMES,
  type Row,
} from "./counted_maps.ts";
import type { Window } from "./document.ts";
import { messageName } from "./messages.ts";
import { addHost } from "./host_series.ts";
import { ParkedPackets } from "./parked_packets.ts";
import { addProcess, SocketDrops } from "./server_series.ts";
import { type OwnSeriesName, SeriesBook } from "./series_book.ts";

/** When a window was, and how much of it was watched. */
export type WindowTimes = Omit<Window, "series">;

/** A window with the readings at its ends. */
export interface SampledWindow {
  readonly window: Window;
  readonly book: SeriesBook;
  readonly before: Sample;
  readonly now: Sample;
  readonly seconds: number;
  /** CPU seconds of the server. */
  readonly serverCpu: number;
  /** Packets that the server received. */
  readonly packets: number;
}

/** Keys of rows, part by part; a leaf is what they mean. */
type AddingTree = Map<KeyPart | typeof LEAF, AddingTree | Adding | null>;
const LEAF = Symbol("leaf");

function branchOf(tree: AddingTree, part: KeyPart): AddingTree {
  let branch = tree.get(part) as AddingTree | undefined;
  if (branch === undefined) tree.set(part, branch = new Map());
  return branch;
}

/** Builds windows from the samples of one server, in their order. */
export class WindowBuilder {
  readonly #started: number;
  #dictionary: Dictionary;
  /** How the rows of a key become series, by map and then part by part of the key. */
  readonly #addings: AddingTree = new Map();
  #previous: Sample | null = null;
  #drops = new SocketDrops();
  #parked: ParkedPackets;
  readonly #unknownMaps = new Set<string>();

  constructor({ started, server, plan }: CaptureHeader) {
    this.#started = Date.parse(started);
    this.#dictionary = { family: server.family, names: NO_NAMES, ...planWords(plan) };
    this.#parked = new ParkedPackets(plan);
  }

  /** Maps that this version does not know: what they count is in no window. */
  get unknownMaps(): ReadonlySet<string> {
    return this.#unknownMaps;
  }

  /** The wall clock at a moment of the capture, RFC 3339. */
  timeAt(elapsedNs: number): string {
    return new Date(this.#started + elapsedNs / 1e6).toISOString();
  }

  /** Begins anew: with another plan, and without a sample before. */
  segment(plan: PlanRecord): void {
    this.#previous = null;
    this.#drops = new SocketDrops();
    this.#parked = new ParkedPackets(plan);
    this.#learn({ names: NO_NAMES, ...planWords(plan) });
  }

  /**
   * Takes the next sample.
   *
   * @returns the window that it ends; null for the first one of a segment.
   * @throws {RangeError} when a row is none of our programs'.
   */
  sample(now: Sample): SampledWindow | null {
    if (now.names !== undefined) this.#learn({ names: now.names });
    const before = this.#previous;
    this.#previous = now;
    const book = new SeriesBook(this.#dictionary.family);
    this.#drops.add(book, now.sockets);
    if (before === null || before.segment !== now.segment) return null;
    const seconds = (now.elapsed_ns - before.elapsed_ns) / 1e9;
    const packets = this.#addRows(book, now.maps);
    this.#parked.add(book, now.maps, this.#dictionary.names, seconds);
    this.#addRequests(book, now, seconds);
    const serverCpu = addProcess(book, before.process, now.process, seconds);
    addHost(book, before.host, now.host);
    const window = windowOf(book, this.timeAt(before.elapsed_ns), this.timeAt(now.elapsed_ns));
    return { window, book, before, now, seconds, serverCpu, packets };
  }

  /** @returns how many packets were received. */
  #addRows(book: SeriesBook, maps: Sample["maps"]): number {
    let packets = 0;
    for (const [map, rows] of Object.entries(maps)) {
      for (const row of rows) {
        const adding = this.#adding(map, row);
        if (adding === null) continue;
        const { count, sum } = countsOf(map, row);
        adding(book, row, count, sum);
        if (map === "@received") packets += count;
      }
    }
    return packets;
  }

  #adding(map: string, row: Row): Adding | null {
    const parts = keyLength(map, row);
    let tree = branchOf(this.#addings, map);
    for (let part = 0; part < parts; part++) tree = branchOf(tree, row[part]!);
    let adding = tree.get(LEAF) as Adding | null | undefined;
    if (adding === undefined) {
      adding = addingOf(map, row, this.#dictionary);
      if (adding === null) this.#unknownMaps.add(map);
      tree.set(LEAF, adding);
    }
    return adding;
  }

  #addRequests(book: SeriesBook, { requests }: Sample, seconds: number): void {
    const { family } = this.#dictionary;
    for (const [number, count] of Object.entries(requests.pending)) {
      const message = messageName(family, Number(number));
      const pending: OwnSeriesName = {
        metric: "pending_requests",
        labels: { message },
        unit: "requests",
      };
      book.add(errorSeries({ kind: "unanswered", id: message }), requests.unanswered[number] ?? 0);
      book.add(errorSeries({ kind: "late", id: message }), requests.late[number] ?? 0);
      book.set(pending, count, seconds);
    }
  }

  /** Takes the words that keys become from now on. */
  #learn(words: Partial<Dictionary>): void {
    this.#dictionary = { ...this.#dictionary, ...words };
    this.#addings.clear();
  }
}

/** The books of windows that were just built. */
const books = new WeakMap<Window, SeriesBook>();

/** A window of a book, with series once they are needed: what adds up windows takes the book. */
function windowOf(book: SeriesBook, start: string, end: string): Window {
  let series: Window["series"] | undefined;
  const window: Window = {
    start,
    end,
    get series() {
      return series ??= book.series();
    },
  };
  books.set(window, book);
  return window;
}

/** The family of the server whose window it is. */
export function familyOf(window: Window): SeriesBook["family"] {
  return books.get(window)?.family ?? window.series[0]?.family ?? null;
}

/** Adds what a window counted to a book. */
export function addWindow(book: SeriesBook, window: Window): void {
  const built = books.get(window);
  if (built !== undefined) return book.merge(built);
  const seconds = watchedSeconds(window);
  for (const series of window.series) book.addSeries(series, seconds);
}

/** What the keys of maps mean under a plan. */
function planWords(
  { stages, operations }: PlanRecord,
): Pick<Dictionary, "hasFineStages" | "operations"> {
  return { hasFineStages: stages === "fine", operations };
}

/** How much of a window was watched, seconds. */
export function watchedSeconds({ start, end, watched_seconds }: WindowTimes): number {
  return watched_seconds ?? (Date.parse(end) - Date.parse(start)) / 1000;
}

/** The times of a window and a later one together; what is between them was not watched. */
export function joinedTimes(first: WindowTimes, next: WindowTimes): WindowTimes {
  const isWhole = first.end === next.start && first.watched_seconds === undefined &&
    next.watched_seconds === undefined;
  return {
    start: first.start,
    end: next.end,
    ...isWhole ? {} : { watched_seconds: watchedSeconds(first) + watchedSeconds(next) },
  };
}
