/**
 * How long to wait before something is tried again.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";

/** First and longest wait between two attempts, milliseconds. */
const [FIRST_MS, LONGEST_MS] = [1000, 60_000];

/** Waits that double from a second up to a minute, with 50 % jitter: many hosts do not try again at one moment. */
export class Backoff {
  readonly #random: () => number;
  #next = FIRST_MS;

  /** @param random gives numbers from 0 to 1. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Milliseconds until the next attempt. */
  next(): number {
    const wait = this.#next;
    this.#next = Math.min(2 * wait, LONGEST_MS);
    return wait * (0.5 + this.#random() / 2);
  }

  /**
   * Waits until the next attempt, or until the signal.
   *
   * @param leastMs what a receiver's Retry-After says, milliseconds.
   */
  async pause(signal: AbortSignal, leastMs = 0): Promise<void> {
    await pause(Math.max(leastMs, this.next()), undefined, { signal }).catch(() => {});
  }

  /** It works: the next failure is a first one. */
  reset(): void {
    this.#next = FIRST_MS;
  }
}
