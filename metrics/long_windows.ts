/**
 * Longer windows than those of a capture, each told when it ends, and again when it is settled which
 * of its packets got no answer.
 *
 * @module
 */

import { BuiltWindow, sumOf } from "./built_window.ts";
import type { Window } from "./document.ts";
import type { Counts } from "./unanswered.ts";

/** Puts windows of a capture together. */
export class LongWindows {
  readonly #perWindow: number;
  readonly #onEnd: (window: Window) => void;
  readonly #onCorrection: (window: Window) => void;
  /** The windows of the long one that has not ended. */
  #open: BuiltWindow[] = [];
  /** Long windows that have ended and are not settled. */
  readonly #unsettled: { readonly windows: readonly BuiltWindow[]; readonly told: Counts }[] = [];

  /**
   * @param perWindow how many windows make a long one.
   * @param onEnd is told of each long window when it ends. Few of its unanswered packets are not
   * known yet, and a few that were only under way may be among them.
   * @param onCorrection is told, when that is settled, of a window with the series alone that differ
   * from what `onEnd` was told.
   */
  constructor(
    perWindow: number,
    onEnd: (window: Window) => void,
    onCorrection: (window: Window) => void,
  ) {
    this.#perWindow = perWindow;
    this.#onEnd = onEnd;
    this.#onCorrection = onCorrection;
  }

  /** Takes the next window of the capture, at its end. */
  add(window: BuiltWindow): void {
    const last = this.#open.at(-1);
    // Nobody watched between them.
    if (last !== undefined && last.times.end !== window.times.start) this.end();
    this.#open.push(window);
    if (this.#open.length === this.#perWindow) this.end();
  }

  /** Looks which windows are settled. */
  settle(): void {
    while (this.#unsettled[0]?.windows.every((window) => window.isFinished)) {
      const { windows, told } = this.#unsettled.shift()!;
      const settled = unansweredOf(windows);
      const changed = [...new Map([...told, ...settled]).keys()]
        .filter((type) => (settled.get(type) ?? 0) !== (told.get(type) ?? 0))
        .map((type) => [type, settled.get(type) ?? 0] as const);
      const series = windows[0]!.seriesOf(new Map(changed));
      if (series.length === 0) continue;
      this.#onCorrection({
        start: windows[0]!.times.start,
        end: windows.at(-1)!.times.end,
        series,
      });
    }
  }

  /** Ends the long window that is open, if there is one. */
  end(): void {
    if (this.#open.length === 0) return;
    const windows = this.#open;
    this.#open = [];
    this.#unsettled.push({ windows, told: unansweredOf(windows) });
    this.#onEnd(BuiltWindow.joined(windows));
  }
}

function unansweredOf(windows: readonly BuiltWindow[]): Counts {
  return sumOf(windows.map((window) => window.unanswered));
}
