/**
 * A window in one line, for output without a terminal.
 *
 * @module
 */

import type { Window } from "../metrics/document.ts";
import { printable } from "../system/printable.ts";
import { counters, histograms, quantileOf, secondsOf } from "./series.ts";
import { duration } from "./format.ts";

/** One line for a window: answers, times, losses. */
export function windowLine(window: Window, elapsed: number, whole: number): string {
  const seconds = secondsOf(window);
  const messages = histograms(window.series, "packet_processing_time").map((series) => {
    const at = (q: number) => duration(quantileOf(series, q)?.value ?? 0);
    const { message, answer } = series.labels;
    return `${message} -> ${answer} ${(series.count / seconds).toFixed(0)}/s ` +
      `p50 ${at(0.5)} p99 ${at(0.99)}`;
  });
  const losses = counters(window.series, "error_rate", "events")
    .filter(({ value }) => Number(value) > 0)
    .map(({ labels, value }) => `${value} ${labels["kind"]} ${labels["id"]}`);
  // The last window ends within milliseconds of the end; after any other one, time is left.
  const left = whole - elapsed < 0.05 ? 0 : Math.max(1, Math.round(whole - elapsed));
  const parts = messages.length === 0 ? ["no answers"] : messages;
  return printable(
    `[${elapsed.toFixed(0).padStart(4)} s, ${left} s left] ${[...parts, ...losses].join("; ")}`,
  );
}
