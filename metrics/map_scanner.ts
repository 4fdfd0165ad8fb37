/**
 * Reads the maps of successive samples without parsing what did not change: most of a capture.
 *
 * @module
 */

import type { Change } from "./map_changes.ts";

/** The maps of a sample are not what a capture holds. */
export class MapsError extends Error {
  override name = "MapsError";
}

/** A key of a map, and where its text `"key":value` stood in the line before. */
interface Entry {
  start: number;
  length: number;
  /** From the key's opening quote to its value. */
  offset: number;
  /** Number of the last line that had it, and its place among the keys there. */
  line: number;
  place: number;
}

/** A map: its entries by key, and in the order of the last line. */
interface MapState {
  readonly byKey: Map<string, Entry>;
  order: Entry[];
}

const [QUOTE, COLON, COMMA, OPEN, CLOSE, MINUS, BACKSLASH] = [34, 58, 44, 123, 125, 45, 92];

const text = new TextDecoder("utf-8", { fatal: true });

/** The maps of one sample after the other. */
export class MapScanner {
  readonly #maps = new Map<string, MapState>();
  #line = 0;
  /** The line before, which the entries point into, and the line that is being read. */
  #before = new Uint8Array(0);
  #now = new Uint8Array(0);
  #at = 0;
  #changes: Change[] = [];

  /**
   * Reads the object of maps in a line of UTF-8 JSON, and what changed since the last call.
   *
   * @param at where its opening brace is.
   * @returns the changes, and the position behind the closing brace.
   * @throws {MapsError} when it is not an object of integers, or of objects of integers.
   */
  scan(line: Uint8Array, at: number): { readonly changes: Change[]; readonly end: number } {
    // Lines arrive in a buffer that is used again.
    this.#now = line.slice();
    this.#at = at;
    this.#line++;
    this.#changes = [];
    this.#object(() => {
      const name = this.#key();
      let map = this.#maps.get(name);
      if (map === undefined) this.#maps.set(name, map = { byKey: new Map(), order: [] });
      if (this.#now[this.#at] === OPEN) this.#keyed(name, map);
      else this.#value(name, map, "", this.#at);
    });
    this.#before = this.#now;
    return { changes: this.#changes, end: this.#at };
  }

  #keyed(name: string, map: MapState): void {
    const { order } = map;
    const seen: Entry[] = [];
    let expected = 0;
    this.#object(() => {
      const next = order[expected];
      if (next !== undefined && this.#isUnchanged(next)) {
        next.start = this.#at;
        next.line = this.#line;
        next.place = seen.length;
        this.#at += next.length;
        seen.push(next);
        expected++;
        return;
      }
      const start = this.#at;
      const key = this.#key();
      const place = map.byKey.get(key)?.place ?? expected - 1;
      const changes = this.#changes.length;
      const entry = this.#value(name, map, key, start);
      entry.place = seen.length;
      seen.push(entry);
      // bpftrace sorts by value: what grew may have moved on, what did not follows its neighbour.
      if (entry === next) expected++;
      else if (changes === this.#changes.length) expected = place + 1;
    });
    map.order = seen;
  }

  /** Reads a value and notes its change. */
  #value(name: string, map: MapState, key: string, start: number): Entry {
    const offset = this.#at - start;
    const value = this.#integer(name);
    let entry = map.byKey.get(key);
    if (entry === undefined) {
      entry = { start: 0, length: 0, offset: 0, line: -1, place: 0 };
      map.byKey.set(key, entry);
    }
    if (entry.line === this.#line) throw new MapsError(`maps.${name}: two values for one key`);
    // What the line before did not have begins at nothing.
    const earlier = entry.line === this.#line - 1 ? this.#earlier(entry) : 0n;
    entry.start = start;
    entry.length = this.#at - start;
    entry.offset = offset;
    entry.line = this.#line;
    const difference = BigInt.asUintN(64, value - earlier);
    if (difference !== 0n) this.#changes.push([name, key, difference]);
    return entry;
  }

  /** Whether an entry of the line before stands here, the same to the last digit. */
  #isUnchanged({ start, length, line }: Entry): boolean {
    if (line !== this.#line - 1) return false;
    const [now, before, at] = [this.#now, this.#before, this.#at];
    for (let index = 0; index < length; index++) {
      if (now[at + index] !== before[start + index]) return false;
    }
    const next = now[at + length];
    return next === COMMA || next === CLOSE;
  }

  #earlier({ start, length, offset }: Entry): bigint {
    const digits = latin(this.#before, start + offset, start + length);
    return BigInt(digits.startsWith('"') ? digits.slice(1, -1) : digits);
  }

  /** Reads `{`, members, `}`; the callback reads a member. */
  #object(member: () => void): void {
    this.#expect(OPEN);
    if (this.#peek() === CLOSE) {
      this.#at++;
      return;
    }
    for (;;) {
      this.#peek();
      member();
      if (this.#peek() === CLOSE) break;
      this.#expect(COMMA);
    }
    this.#at++;
  }

  /** Reads a key and its colon. */
  #key(): string {
    const start = this.#at;
    this.#expect(QUOTE);
    let escaped = false;
    let plain = true;
    for (;; this.#at++) {
      const byte = this.#now[this.#at];
      if (byte === undefined || byte < 32) throw new MapsError("maps: a key does not end");
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) {
        escaped = true;
        this.#at++;
      }
      if (byte > 127) plain = false;
    }
    const end = this.#at++;
    const key = escaped || !plain
      ? unescaped(this.#now.subarray(start, end + 1))
      : latin(this.#now, start + 1, end);
    this.#peek();
    this.#expect(COLON);
    this.#peek();
    return key;
  }

  /** Reads an integer, in quotes or, as far as a double is exact, without. */
  #integer(map: string): bigint {
    const quoted = this.#now[this.#at] === QUOTE;
    if (quoted) this.#at++;
    const first = this.#at;
    if (this.#now[this.#at] === MINUS) this.#at++;
    const digits = this.#at;
    while (this.#now[this.#at]! >= 48 && this.#now[this.#at]! <= 57) this.#at++;
    const end = this.#at;
    const isZeroed = !quoted && end - digits > 1 && this.#now[digits] === 48;
    if (end === digits || isZeroed || (quoted && this.#now[this.#at++] !== QUOTE)) {
      throw new MapsError(`maps.${map}: an integer is wanted`);
    }
    const value = BigInt(latin(this.#now, first, end));
    const isFraction = [46, 69, 101].includes(this.#now[this.#at]!);
    if (isFraction || (!quoted && !Number.isSafeInteger(Number(value)))) {
      throw new MapsError(`maps.${map}: an integer is wanted, in quotes from 2^53 on`);
    }
    return value;
  }

  #expect(byte: number): void {
    if (this.#now[this.#at] === byte) this.#at++;
    else throw new MapsError(`maps: "${String.fromCharCode(byte)}" is wanted at ${this.#at}`);
  }

  /** Passes white space and returns the next byte, 0 at the end. */
  #peek(): number {
    for (;; this.#at++) {
      const byte = this.#now[this.#at];
      if (byte !== 32 && byte !== 9 && byte !== 13) return byte ?? 0;
    }
  }
}

function latin(bytes: Uint8Array, start: number, end: number): string {
  let found = "";
  for (let at = start; at < end; at++) found += String.fromCharCode(bytes[at]!);
  return found;
}

function unescaped(quoted: Uint8Array): string {
  try {
    return JSON.parse(text.decode(quoted));
  } catch {
    throw new MapsError("maps: a key is not a string of JSON");
  }
}
