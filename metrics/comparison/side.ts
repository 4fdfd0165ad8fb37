/**
 * One side of a comparison: a capture, a document, or a span of one.
 *
 * @module
 */

import { readCapture } from "../capture.ts";
import type { MetricsDocument, Series, Window } from "../document.ts";
import { DocumentBuilder } from "../document_builder.ts";
import { openMetrics } from "../input/read_input.ts";
import { InputError } from "../input/input_lines.ts";
import { mergedWindows, Overview } from "../overview.ts";
import { watchedSeconds } from "../windows.ts";
import { type Span, spanIn } from "./span.ts";

/** A window of a side. */
export interface SideWindow {
  /** How long it was watched. */
  readonly seconds: number;
  readonly series: readonly Series[];
}

/** A run, or a span of it. */
export interface Side extends Pick<MetricsDocument, "server" | "capture" | "totals"> {
  /** The file as the user named it, with its span. */
  readonly name: string;
  /** At most 240: those of a longer run are merged. A document without windows is one. */
  readonly windows: readonly SideWindow[];
  /** From the first window to the last, RFC 3339; null without windows. */
  readonly from: string | null;
  readonly to: string | null;
  /** How long it was watched; null if that is not known. */
  readonly seconds: number | null;
}

/**
 * Reads a side: `FILE`, or `FILE@FROM-TO`.
 *
 * @throws {InputError} in one line when the file is not readable as metrics, or nothing of it is in the span.
 */
export async function readSide(name: string): Promise<Side> {
  const { path, span } = spanIn(name);
  const input = openMetrics(path);
  const overview = new Overview();
  const kept = keeperOf(span);
  const add = (window: Window) => {
    if (kept(window)) overview.add(window);
  };
  let document: MetricsDocument;
  if (input.kind === "document") {
    document = input.document;
    for (const window of document.windows) add(window);
  } else {
    const builder = new DocumentBuilder();
    for await (const record of readCapture(input.pieces)) {
      const window = builder.next(record);
      if (window !== null) add(window);
    }
    document = builder.document();
  }
  const windows = overview.windows();
  if (span !== null && windows.length === 0) {
    const { started, ended } = document.capture;
    const [from, to] = [started, ended].map((time) => time?.slice(0, 19) ?? "?");
    throw new InputError(
      `Cannot compare "${name}": no window is in that span, the file is from ${from} to ${to} UTC`,
    );
  }
  return sideOf(name, document, windows);
}

/** Whether windows are in a span: a window at its edge is left out. */
function keeperOf(span: Span | null): (window: Window) => boolean {
  let edges: ReturnType<Span["edgesOf"]> | null = null;
  return ({ start, end }) => {
    if (span === null) return true;
    edges ??= span.edgesOf(start);
    return Date.parse(start) >= edges.from && Date.parse(end) <= edges.to;
  };
}

/**
 * A side of some windows of a document.
 *
 * @param windows none: the totals of the document are its only one.
 */
export function sideOf(
  name: string,
  { server, capture, totals }: MetricsDocument,
  windows: readonly Window[],
): Side {
  const [first, last] = [windows[0], windows.at(-1)];
  const seconds = windows.length === 0
    ? capture.watched_seconds ?? capture.duration_seconds
    : windows.reduce((sum, window) => sum + watchedSeconds(window), 0);
  return {
    name,
    server,
    capture,
    windows: windows.length > 0
      ? windows.map((window) => ({ seconds: watchedSeconds(window), series: window.series }))
      : totals.length > 0
      ? [{ seconds: seconds ?? 0, series: totals }]
      : [],
    totals: windows.length === 0 ? totals : mergedWindows(windows, 1)[0]!.series,
    from: first?.start ?? capture.started,
    to: last?.end ?? capture.ended,
    seconds,
  };
}
