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

/** A window that becomes series as far as somebody asks. */
export class BuiltWindow {
  #times: Pick<Window, "start" | "end">;
  readonly #unansweredSeries: UnansweredSeries;
  readonly #live: Counts;
  #book: SeriesBook;
  #written: Uint8Array | null = null;
  #lost: Counts | null = null;

  constructor(
    times: Pick<Window, "start" | "end">,
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

  /** Takes up the window that follows; both must be finished, and not written. */
  absorb(next: BuiltWindow): void {
    this.#times = { start: this.#times.start, end: next.#times.end };
    this.#book.merge(next.#book);
    const lost = new Map(this.#lost);
    for (const [type, count] of next.#lost ?? []) lost.set(type, (lost.get(type) ?? 0) + count);
    this.#lost = lost;
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
