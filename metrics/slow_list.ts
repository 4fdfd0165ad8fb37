/**
 * The slowest packets of a run.
 *
 * @module
 */

import type { ListedPacket } from "./document.ts";

/** The most packets that are listed. */
const LISTED = 1000;

/** Keeps the slowest packets. */
export class SlowList {
  #packets: ListedPacket[] = [];
  #omitted = 0;

  /** Adds a packet. */
  add(packet: ListedPacket): void {
    this.#packets.push(packet);
    if (this.#packets.length >= 2 * LISTED) this.#shorten();
  }

  /** The slowest packets, slowest first, and how many are omitted. */
  list(): { readonly packets: ListedPacket[]; readonly omitted: number } {
    this.#shorten();
    return { packets: this.#packets, omitted: this.#omitted };
  }

  #shorten(): void {
    const ranked = this.#packets.toSorted((a, b) => b.duration_ns - a.duration_ns);
    this.#packets = ranked.slice(0, LISTED);
    this.#omitted += ranked.length - this.#packets.length;
  }
}
