/**
 * The times of windows follow the clock of the machine as it was when the watch began. That clock may
 * step later: the times of later windows do too.
 *
 * @module
 */

import type { Window } from "../../metrics/document.ts";

/** Steps up to this are left to the next watch, milliseconds. */
const TOLERANCE_MS = 2000;

/** How many windows are remembered for their corrections. */
const REMEMBERED = 1000;

/** Gives windows the times of the clock of the machine. */
export class WallClock {
  readonly #wall: () => number;
  readonly #monotonic: () => number;
  readonly #say: (line: string) => void;
  readonly #origin: number;
  #offsetMs = 0;
  /** What windows were given, by the start that the watch gave. */
  readonly #given = new Map<string, Pick<Window, "start" | "end">>();

  /** Begins when the watch does; the clocks tell milliseconds. */
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

  /** A window that has just ended, or a correction of an earlier one. */
  adjusted(window: Window): Window {
    const given = this.#given.get(window.start) ?? this.#give(window);
    return { ...window, ...given };
  }

  #give({ start, end }: Window): Pick<Window, "start" | "end"> {
    const stepped = this.#wall() - this.#monotonic() - this.#origin;
    if (Math.abs(stepped - this.#offsetMs) > TOLERANCE_MS) {
      const seconds = Math.round((stepped - this.#offsetMs) / 1000);
      this.#say(`The clock of this machine stepped by ${seconds} s: the windows follow it`);
      this.#offsetMs = Math.round(stepped);
    }
    const moved = (time: string) => new Date(Date.parse(time) + this.#offsetMs).toISOString();
    const given = { start: moved(start), end: moved(end) };
    this.#given.set(start, given);
    if (this.#given.size > REMEMBERED) this.#given.delete(this.#given.keys().next().value!);
    return given;
  }
}
