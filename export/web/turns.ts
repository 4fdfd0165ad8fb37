/**
 * One request of a connection at a time.
 *
 * @module
 */

import type { Socket } from "node:net";

/** The most requests of a connection that are not answered: scrapers and browsers send one. */
const MOST = 2;

/**
 * Answers the requests of a connection one after the other, and ends a connection that sends many at once: each
 * would hold a whole answer in memory, and a few kilobytes have thousands of requests.
 */
export class Turns {
  readonly #turns = new WeakMap<Socket, { readonly last: Promise<void>; readonly count: number }>();

  /** Does the work for a request when those before it are answered. */
  take(socket: Socket, work: () => Promise<void>): void {
    const { last, count } = this.#turns.get(socket) ?? { last: null, count: 0 };
    if (count >= MOST || socket.destroyed) return void socket.destroy();
    const begin = async () => {
      if (!socket.destroyed) await work();
    };
    const turn = (last === null ? work() : last.then(begin)).finally(() => {
      const now = this.#turns.get(socket)!;
      if (now.count === 1) this.#turns.delete(socket);
      else this.#turns.set(socket, { ...now, count: now.count - 1 });
    });
    this.#turns.set(socket, { last: turn, count: count + 1 });
  }
}
