/**
 * Sends what waits in a spool.
 *
 * @module
 */

import { orAborted } from "../or_aborted.ts";
import type { Spool, Spooled } from "./spool.ts";

/** What became of something that was sent; `stopped` leaves it in the spool. */
export type Sent =
  | { readonly kind: "delivered" }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "stopped" };

/** Options of {@linkcode SpoolSender}. */
export interface SpoolSenderOptions<T extends object> {
  readonly spool: Spool<T>;
  /** Sends one until its outcome is known, or sending is given up. */
  readonly send: (waiting: Spooled<T>) => Promise<Sent>;
  /** Its abort is the end, at once. */
  readonly giveUp: AbortController;
}

/** Sends the oldest first, one at a time, until it is ended: nothing arrives behind something newer. */
export class SpoolSender<T extends object> {
  readonly #options: SpoolSenderOptions<T>;
  readonly #sending: Promise<void>;

  constructor(options: SpoolSenderOptions<T>) {
    this.#options = options;
    this.#sending = this.#sendOn();
  }

  /** Sends what waits, for so many milliseconds at most, and ends. */
  async end(limitMs: number): Promise<void> {
    const { spool, giveUp } = this.#options;
    const limit = setTimeout(() => giveUp.abort(), limitMs);
    await Promise.race([spool.whenEmpty, this.#sending]);
    clearTimeout(limit);
    giveUp.abort();
    await this.#sending;
  }

  async #sendOn(): Promise<void> {
    const { spool, send, giveUp: { signal } } = this.#options;
    while (!signal.aborted) {
      await orAborted(spool.whenAvailable, signal);
      const waiting = signal.aborted ? null : await spool.first();
      if (waiting === null) continue;
      const sent = await send(waiting);
      if (sent.kind === "delivered") spool.remove(waiting.sequence);
      if (sent.kind === "refused") spool.quarantine(waiting.sequence, sent.why);
    }
  }
}
