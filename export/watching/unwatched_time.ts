/**
 * How long a server ran while no probe was attached to it.
 *
 * @module
 */

/** The time of one server, through its restarts. It grows while nothing is attached, and never goes down. */
export class UnwatchedTime {
  readonly #now: () => number;
  /** Milliseconds of what is over. */
  #total = 0;
  /** Up to when it is known that the server was watched, or did not run; milliseconds, null before. */
  #known: number | null = null;
  /** Since when nothing has been attached, milliseconds; null while something is. */
  #since: number | null = null;

  /** @param now a clock that is never set back, milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The seconds so far. */
  seconds(): number {
    return (this.#total + (this.#since === null ? 0 : this.#now() - this.#since)) / 1000;
  }

  /** The probes were read. */
  read(): void {
    this.#close();
  }

  /** The server does not run any more. */
  ended(): void {
    this.#close();
  }

  /**
   * Nothing is attached to the running server: what came since the last reading is not seen.
   *
   * @param age how long the process has run, seconds: no longer than that it was not watched.
   */
  detached(age = Infinity): void {
    const now = this.#now();
    this.#since ??= Math.max(this.#known ?? now, now - 1000 * age);
  }

  #close(): void {
    const now = this.#now();
    this.#total += this.#since === null ? 0 : now - this.#since;
    [this.#known, this.#since] = [now, null];
  }
}
