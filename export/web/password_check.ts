/**
 * Checks passwords against bcrypt hashes, without giving the processor to those who guess.
 *
 * @module
 */

import bcrypt from "bcryptjs";
import { Buffer } from "node:buffer";
import { createHmac, randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

/** What a check says; `busy` when too many others wait. */
export type Verdict = "right" | "wrong" | "busy";

/** The most checks that wait; the others are refused at once. */
const MOST_WAITING = 4;

/**
 * After a wrong password the next check waits so many times as long as that one took, which is 20 % of a core, but
 * not longer than this, milliseconds: on a busy machine a check takes its time.
 */
const [REST, LONGEST_REST_MS] = [4, 1000];

/** How many pairs of user and password are remembered. */
const MOST_REMEMBERED = 100;

/** A hash that no password has, for users that are unknown: they take as long as known ones. */
const NO_ONE = "zzzzzzzzzzzzzzzzzzzzzu1111111111111111111111111111111";

/** Checks one user file's passwords, one at a time. Pairs are remembered as keyed hashes. */
export class PasswordCheck {
  readonly #users: ReadonlyMap<string, string>;
  readonly #secret = randomBytes(32);
  /** Apart, so that guesses do not push out who is known. */
  readonly #right = new Set<string>();
  readonly #wrong = new Set<string>();
  readonly #waiting = new Map<string, Promise<Verdict>>();
  #turn: Promise<unknown> = Promise.resolve();
  /** When the next check may begin, see `performance.now()`. */
  #restsUntil = 0;

  /** @param users bcrypt hashes by user. */
  constructor(users: ReadonlyMap<string, string>) {
    this.#users = users;
  }

  /** Checks what a client sends as `Authorization`. */
  async check(authorization: string | undefined): Promise<Verdict> {
    const pair = pairOf(authorization);
    if (pair === null) return "wrong";
    const key = createHmac("sha256", this.#secret).update(JSON.stringify(pair)).digest("base64");
    if (this.#right.has(key)) return "right";
    if (this.#wrong.has(key)) return "wrong";
    const same = this.#waiting.get(key);
    if (same !== undefined) return await same;
    if (this.#waiting.size >= MOST_WAITING) return "busy";
    const checking = this.#turn.then(() => this.#compare(pair));
    this.#waiting.set(key, checking);
    this.#turn = checking.catch(() => {});
    try {
      const verdict = await checking;
      remember(verdict === "right" ? this.#right : this.#wrong, key);
      return verdict;
    } finally {
      this.#waiting.delete(key);
    }
  }

  async #compare({ user, password }: Pair): Promise<Verdict> {
    const rest = this.#restsUntil - performance.now();
    if (rest > 0) await pause(rest);
    const begun = performance.now();
    const known = this.#users.get(user);
    const matches = await bcrypt.compare(password, known ?? this.#unknown());
    if (known !== undefined && matches) return "right";
    const now = performance.now();
    this.#restsUntil = now + Math.min(REST * (now - begun), LONGEST_REST_MS);
    return "wrong";
  }

  /** No one's hash, as expensive as that of the most expensive user. */
  #unknown(): string {
    const costs = [...this.#users.values()].map((hash) => hash.slice(4, 6)).sort();
    return `$2b$${costs.at(-1) ?? "10"}$${NO_ONE}`;
  }
}

interface Pair {
  readonly user: string;
  readonly password: string;
}

function pairOf(authorization: string | undefined): Pair | null {
  const encoded = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(authorization ?? "")?.[1];
  if (encoded === undefined) return null;
  const text = new TextDecoder().decode(Buffer.from(encoded, "base64"));
  const colon = text.indexOf(":");
  return colon < 0 ? null : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function remember(keys: Set<string>, key: string): void {
  const [oldest] = keys;
  if (keys.size >= MOST_REMEMBERED && oldest !== undefined) keys.delete(oldest);
  keys.add(key);
}
