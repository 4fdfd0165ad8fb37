/**
 * The times of windows are based on the machine's clock at the start of the watch. If that clock is set
 * later, the times of later windows follow it.
 *
 * @module
 */

import type { Window } from "../../metrics/document.ts";

/** Smaller steps are ignored until the next watch, milliseconds. */
const TOLERANCE_MS = 2000;

/** Gives windows the times of the machine's clock. */
export class WallClock {
  readonly #wall: () => number;
  readonly #monotonic: () => number;
  readonly #say: (line: string) => void;
  readonly #origin: number;
  #offsetMs = 0;

  /** Starts with the watch; the clocks are in milliseconds. */
  constructor(
    say: (line: string) => void,
    wall: () => number = Date.now,
    monotonic: () => number = () => performance.now(),
  ) {
    this.#say = say;
    this.#wall = wall;
    this.#monotonic = monotonic;
    this.#origin = wall() - monotonic();
  }

  /** A window that has just ended. */
  adjusted(window: Window): Window {
    const stepped = this.#wall() - this.#monotonic() - this.#origin;
    if (Math.abs(stepped - this.#offsetMs) > TOLERANCE_MS) {
      const seconds = Math.round((stepped - this.#offsetMs) / 1000);
      this.#say(`The clock of this machine was set by ${seconds} s: later windows follow it`);
      this.#offsetMs = Math.round(stepped);
    }
    const moved = (time: string) => new Date(Date.parse(time) + this.#offsetMs).toISOString();
    return { ...window, start: moved(window.start), end: moved(window.end) };
  }
}
