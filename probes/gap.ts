/**
 * The time in which no probe was attached: between the last reading of one segment and the first of the
 * next, or the end.
 *
 * @module
 */

/** The most causes that are kept with their text. */
const MOST_CAUSES = 4;

/** Keeps the time of the last reading, and what has happened since. */
export class Gap {
  #lastNs: number | null = null;
  #causes: string[] = [];
  /** The number of other causes: a server may end again and again. */
  #leftOut = 0;

  /** Adds a reading with every probe attached, nanoseconds since the start. */
  reading(elapsedNs: number): void {
    this.#lastNs = elapsedNs;
    this.#causes = [];
    this.#leftOut = 0;
  }

  /** Adds a reason why the probes are not attached any more. */
  cause(words: string): void {
    this.#causes.push(words);
    if (this.#causes.length <= MOST_CAUSES) return;
    // The first and the newest are the most informative.
    this.#causes.splice(MOST_CAUSES - 1, 1);
    this.#leftOut++;
  }

  /** What happened since the last reading; empty for nothing. */
  get causes(): string {
    const between = this.#leftOut === 0 ? [] : [`${this.#leftOut} times more`];
    return [...this.#causes.slice(0, -1), ...between, ...this.#causes.slice(-1)].join("; ");
  }

  /** The last reading, nanoseconds since the start; 0 before the first. */
  get lastNs(): number {
    return this.#lastNs ?? 0;
  }

  /**
   * What happened and how long nothing was watched, for people; null if nothing happened.
   *
   * @param elapsedNs the first reading of the next segment, or the end of the watch.
   */
  wordsAt(elapsedNs: number): string | null {
    if (this.#causes.length === 0) return null;
    if (this.#lastNs === null) return this.causes;
    return `${this.causes}: ${((elapsedNs - this.#lastNs) / 1e9).toFixed(1)} s not watched`;
  }
}
