/**
 * The most connections at once.
 *
 * @module
 */

import type { Socket } from "node:net";

/** A TCP connection's addresses, or the socket itself: TLS has a socket of its own for a connection. */
type Key = string | Socket;

/**
 * Limits connections. When there are too many, the one goes that has waited longest for its next request, or gets
 * a long answer; so connections without a request, and slow readers, do not keep a scraper out.
 */
export class ConnectionLimit {
  readonly #most: number;
  readonly #idle = new Map<Key, Socket>();
  readonly #busy = new Map<Key, Socket>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes a connection that begins; it is closed at once if all others are busy. */
  admit(socket: Socket): void {
    const key = keyOf(socket);
    if (this.#idle.size + this.#busy.size >= this.#most) {
      const [longest] = this.#idle;
      if (longest === undefined) return void socket.destroy();
      this.#idle.delete(longest[0]);
      longest[1].destroy();
    }
    this.#idle.set(key, socket);
    socket.once("close", () => {
      if (this.#idle.get(key) === socket) this.#idle.delete(key);
      if (this.#busy.get(key) === socket) this.#busy.delete(key);
    });
  }

  /** A request has come: its connection stays until {@linkcode idle}. */
  busy(socket: Socket): void {
    move(keyOf(socket), this.#idle, this.#busy);
  }

  /** The request is answered, or its answer is sent as fast as its reader takes it. */
  idle(socket: Socket): void {
    move(keyOf(socket), this.#busy, this.#idle);
  }
}

function move(key: Key, from: Map<Key, Socket>, to: Map<Key, Socket>): void {
  const socket = from.get(key);
  if (socket === undefined) return;
  from.delete(key);
  to.set(key, socket);
}

function keyOf(socket: Socket): Key {
  const { remoteAddress, remotePort } = socket;
  return remotePort === undefined ? socket : `${remoteAddress} ${remotePort}`;
}
