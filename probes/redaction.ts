/**
 * Hashes names of clients.
 *
 * @module
 */

import { createHash, randomBytes } from "node:crypto";

/** Hashes texts of one run: equal ones get the same hash, in lists of slow packets and of clients. */
export class Redaction {
  /** Different in each run, so that clients cannot be looked up. */
  readonly #salt = randomBytes(16);

  /** Twelve hexadecimal digits. */
  hashOf(text: string): string {
    return createHash("sha256").update(this.#salt).update(text).digest("hex").slice(0, 12);
  }
}
