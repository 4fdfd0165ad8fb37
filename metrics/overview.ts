/**
 * A whole run in a limited number of windows, for charts: neighbours are merged.
 *
 * @module
 */

import type { CaptureRecord } from "./capture.ts";
import type { MetricsDocument, Window } from "./document.ts";
import { DocumentBuilder } from "./document_builder.ts";
import { SeriesBook } from "./series_book.ts";
import { addWindow, familyOf, joinedTimes, type WindowTimes } from "./windows.ts";

/** Windows in one: from the start of the first to the end of the last. */
class Span {
  #times: WindowTimes;
  readonly #book: SeriesBook;

  constructor(first: Window) {
    const { start, end, watched_seconds } = first;
    this.#times = { start, end, ...watched_seconds === undefined ? {} : { watched_seconds } };
    this.#book = new SeriesBook(familyOf(first));
    addWindow(this.#book, first);
  }

  add(next: Window): void {
    this.#times = joinedTimes(this.#times, next);
    addWindow(this.#book, next);
  }

  absorb(next: Span): void {
    this.#times = joinedTimes(this.#times, next.#times);
    this.#book.merge(next.#book);
  }

  window(): Window {
    return { ...this.#times, series: this.#book.series() };
  }
}

/** Merges windows into fewer, longer ones when there are too many. */
export class Overview {
  readonly #limit: number;
  #spans: Span[] = [];
  /** How many windows a span has; the last one may have fewer. */
  #each = 1;
  #count = 0;

  /** @param limit the most windows in the result: 1 or an even number. */
  constructor(limit = 240) {
    this.#limit = limit;
  }

  /** Adds the next window. */
  add(window: Window): void {
    if (this.#count === this.#limit * this.#each) this.#halve();
    const span = this.#spans[Math.floor(this.#count / this.#each)];
    if (span === undefined) this.#spans.push(new Span(window));
    else span.add(window);
    this.#count++;
  }

  /** The windows, at most as many as the limit. */
  windows(): Window[] {
    return this.#spans.map((span) => span.window());
  }

  #halve(): void {
    this.#spans = this.#spans.filter((span, index) => {
      const next = this.#spans[index + 1];
      if (index % 2 === 0 && next !== undefined) span.absorb(next);
      return index % 2 === 0;
    });
    this.#each *= 2;
  }
}

/** Windows merged so that there are at most `limit`: 1 or an even number. */
export function mergedWindows(windows: Iterable<Window>, limit?: number): Window[] {
  const overview = new Overview(limit);
  for (const window of windows) overview.add(window);
  return overview.windows();
}

/** The document of a whole capture, with merged windows, in constant memory. */
export async function overviewOf(
  records: AsyncIterable<CaptureRecord>,
  limit?: number,
): Promise<MetricsDocument> {
  const overview = new Overview(limit);
  const builder = new DocumentBuilder();
  for await (const record of records) {
    const window = builder.next(record);
    if (window !== null) overview.add(window);
  }
  return { ...builder.document(), windows: overview.windows() };
}
