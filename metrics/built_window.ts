/**
 * A window between its samples and its series.
 *
 * @module
 */

import { ByteBuffer } from "./bytes.ts";
import type { Series, Window } from "./document.ts";
import { SeriesBook } from "./series_book.ts";
import type { Counts } from "./unanswered.ts";

/** Series of unanswered packets, given their counts. */
export type UnansweredSeries = (counts: Counts) => Series[];

/** When a window was, and how much of it was watched. */
export type WindowTimes = Omit<Window, "series">;

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

/** A window that becomes series as far as somebody asks. */
export class BuiltWindow {
  #times: WindowTimes;
  readonly #unansweredSeries: UnansweredSeries;
  readonly #live: Counts;
  #book: SeriesBook;
  #written: Uint8Array | null = null;
  #lost: Counts | null = null;

  constructor(
    times: WindowTimes,
    book: SeriesBook,
    live: Counts,
    unansweredSeries: UnansweredSeries,
  ) {
    this.#times = times;
    this.#book = book;
    this.#live = live;
    this.#unansweredSeries = unansweredSeries;
  }

  /** Whether it is settled which of its packets got no answer. */
  get isFinished(): boolean {
    return this.#lost !== null;
  }

  /** Tells which of its packets got no answer. */
  finish(lost: Counts): void {
    this.#lost = lost;
  }

  /**
   * The window with the packets without an answer as far as they are known at its end: one window
   * late, and a few that were only under way may be among them.
   */
  live(): Window {
    const series = [...this.#book.series(), ...this.#unansweredSeries(this.#live)];
    return { ...this.#times, series };
  }

  /** The window as a document has it; only when it is finished. */
  final(): Window {
    const series = [...this.#book.series(), ...this.#unansweredSeries(this.#lost ?? new Map())];
    return { ...this.#times, series };
  }

  /** Start and end, RFC 3339. */
  get times(): WindowTimes {
    return this.#times;
  }

  /** Packets without an answer, as far as they are known now. */
  get unanswered(): Counts {
    return this.#lost ?? this.#live;
  }

  /** The window that others make which follow each other, as far as is known now. */
  static joined(windows: readonly BuiltWindow[]): Window {
    const [first, last] = [windows[0]!, windows.at(-1)!];
    const book = new SeriesBook(first.#book.family);
    for (const window of windows) book.merge(window.#book);
    const lost = first.#unansweredSeries(sumOf(windows.map((window) => window.unanswered)));
    return {
      start: first.#times.start,
      end: last.#times.end,
      series: [...book.series(), ...lost],
    };
  }

  /** Series of packets without an answer. */
  seriesOf(counts: Counts): Series[] {
    return this.#unansweredSeries(counts);
  }

  /** Takes up the window that follows; both must be finished, and not written. */
  absorb(next: BuiltWindow): void {
    this.#times = joinedTimes(this.#times, next.#times);
    this.#book.merge(next.#book);
    this.#lost = sumOf([this.#lost ?? new Map(), next.#lost ?? new Map()]);
  }

  /** Writes what is known and forgets the rest: a window may wait for long. */
  keepWritten(): void {
    const buffer = new ByteBuffer(2 ** 14);
    this.#book.write(buffer);
    this.#written = buffer.view.slice();
    this.#book = new SeriesBook(null);
  }

  /** Writes the JSON of {@linkcode BuiltWindow.final}. */
  write(buffer: ByteBuffer): void {
    buffer.appendText(`${JSON.stringify(this.#times).slice(0, -1)},"series":`);
    if (this.#written !== null) buffer.append(this.#written);
    else this.#book.write(buffer);
    const lost = JSON.stringify(this.#unansweredSeries(this.#lost ?? new Map()));
    if (lost !== "[]") {
      buffer.dropLast();
      const isFirst = buffer.view.at(-1) === "[".charCodeAt(0);
      buffer.appendText(`${isFirst ? "" : ","}${lost.slice(1)}`);
    }
    buffer.appendText("}");
  }
}

/** Counts of several windows together. */
export function sumOf(windows: readonly Counts[]): Counts {
  const sum = new Map<number, number>();
  for (const counts of windows) {
    for (const [type, count] of counts) sum.set(type, (sum.get(type) ?? 0) + count);
  }
  return sum;
}
