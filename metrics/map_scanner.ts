/**
 * Reads the maps of successive samples without parsing what did not change: most of a capture.
 *
 * @module
 */

import { type Change, exact, type MapKey } from "./map_changes.ts";

/** The maps of a sample are not what a capture holds. */
export class MapsError extends Error {
  override name = "MapsError";
}

/** A key with its value, and where its text `"key":value` stood in the line before. */
interface Entry {
  readonly key: MapKey;
  start: number;
  length: number;
  /** Length of the text before the value. */
  offset: number;
  /** Number of the last line that had it. */
  line: number;
  /** Its place in that line's order, and the text of its value in three parts of up to 7 digits. */
  place: number;
  high: number;
  middle: number;
  low: number;
}

/** A map: its entries by key, and in the order of the last line. */
interface MapState {
  readonly byKey: Map<string, Entry>;
  order: Entry[];
}

const [QUOTE, COLON, COMMA, OPEN, CLOSE, MINUS, BACKSLASH] = [34, 58, 44, 123, 125, 45, 92];
const [ZERO, NINE, POINT, UPPER_E, LOWER_E] = [48, 57, 46, 69, 101];

/** Integers have at most 19 digits, or 20 when they are not signed. */
const MOST_DIGITS = 20;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads the maps of one sample after the other. */
export class MapScanner {
  readonly #maps = new Map<string, MapState>();
  #line = 0;
  /** The line before, which the entries point into, and the line that is being read. */
  #before = new Uint8Array(0);
  #now = new Uint8Array(0);
  #spare = new Uint8Array(0);
  #at = 0;
  #changes: Change[] = [];
  /** The integer that was read last, as in {@linkcode Entry}. */
  #high = 0;
  #middle = 0;
  #low = 0;

  /**
   * Reads the object of maps in a line of UTF-8 JSON, and what changed since the last call.
   *
   * @param at where its opening brace is.
   * @returns the changes, and the position behind the closing brace.
   * @throws {MapsError} when it is not an object of integers, or of objects of integers.
   */
  scan(
    line: Uint8Array,
    at: number,
  ): { readonly changes: readonly Change[]; readonly end: number } {
    this.#now = this.#spare.length < line.length ? new Uint8Array(2 * line.length) : this.#spare;
    // The line lives in a buffer that is used again; what is behind it here ends nothing.
    this.#now.set(line);
    this.#now.fill(0, line.length, line.length + 1);
    this.#at = at;
    this.#line++;
    this.#changes = [];
    if (this.#opens()) {
      do {
        const name = this.#key();
        let map = this.#maps.get(name);
        if (map === undefined) this.#maps.set(name, map = { byKey: new Map(), order: [] });
        if (this.#now[this.#at] === OPEN) {
          this.#keyed(name, map);
        } else {
          map.order = [];
          this.#value(map, name, "", this.#at);
        }
      } while (this.#goesOn());
    }
    this.#spare = this.#before;
    this.#before = this.#now;
    return { changes: this.#changes, end: this.#at };
  }

  #keyed(name: string, map: MapState): void {
    if (!this.#opens()) {
      map.order = [];
      return;
    }
    let { order } = map;
    const before = order;
    let expected = 0;
    let place = 0;
    do {
      const next = before[expected];
      const start = this.#at;
      let entry = next;
      const same = next === undefined || next.line !== this.#line - 1 ? 0 : this.#sameBytes(next);
      if (next !== undefined && same === next.length && this.#endsValue(start + same)) {
        next.start = start;
        next.line = this.#line;
        this.#at += same;
        expected++;
      } else if (next !== undefined && same > 0 && same >= next.offset) {
        this.#at += next.offset;
        this.#change(next, name, start);
        expected++;
      } else {
        const key = this.#key();
        const known = map.byKey.get(key);
        // Most keys follow the same neighbour as before.
        if (known !== undefined) expected = known.place + 1;
        entry = this.#value(map, name, key, start);
      }
      // The order is mostly that of the line before.
      if (order === before && entry !== before[place]) order = before.slice(0, place);
      if (order !== before) order.push(entry!);
      entry!.place = place++;
    } while (this.#goesOn());
    map.order = order === before && place < before.length ? before.slice(0, place) : order;
  }

  /** Reads the value of a key and notes its change. */
  #value(map: MapState, name: string, key: string, start: number): Entry {
    let entry = map.byKey.get(key);
    if (entry === undefined) {
      const [text, value] = [{ start: 0, length: 0, offset: 0 }, { high: 0, middle: 0, low: 0 }];
      entry = {
        key: { map: name, key, meaning: undefined },
        ...text,
        line: -1,
        place: 0,
        ...value,
      };
      map.byKey.set(key, entry);
    }
    if (entry.line === this.#line) throw new MapsError(`maps.${name}: two values for one key`);
    this.#change(entry, name, start);
    return entry;
  }

  #change(entry: Entry, name: string, start: number): void {
    const offset = this.#at - start;
    this.#integer(name);
    // What the line before did not have begins at nothing.
    const isKnown = entry.line === this.#line - 1;
    const high = this.#high - (isKnown ? entry.high : 0);
    const middle = this.#middle - (isKnown ? entry.middle : 0);
    const low = this.#low - (isKnown ? entry.low : 0);
    let difference: number | bigint = high * 1e14 + middle * 1e7 + low;
    if (!(difference >= 0 && difference <= Number.MAX_SAFE_INTEGER)) {
      const whole = BigInt(high) * 100_000_000_000_000n + BigInt(middle) * 10_000_000n;
      difference = exact(BigInt.asUintN(64, whole + BigInt(low)));
    }
    entry.start = start;
    entry.length = this.#at - start;
    entry.offset = offset;
    entry.line = this.#line;
    entry.high = this.#high;
    entry.middle = this.#middle;
    entry.low = this.#low;
    if (difference != 0) this.#changes.push([entry.key, difference]);
  }

  /** How many bytes of an entry's text in the line before stand here, too. */
  #sameBytes({ start, length }: Entry): number {
    const [now, before, at] = [this.#now, this.#before, this.#at];
    for (let index = 0; index < length; index++) {
      if (now[at + index] !== before[start + index]) return index;
    }
    return length;
  }

  #endsValue(at: number): boolean {
    return this.#now[at] === COMMA || this.#now[at] === CLOSE;
  }

  /** Reads the beginning of an object; returns whether it has members. */
  #opens(): boolean {
    this.#expect(OPEN);
    if (this.#peek() !== CLOSE) return true;
    this.#at++;
    return false;
  }

  /** Reads what follows a member of an object; returns whether another one comes. */
  #goesOn(): boolean {
    const next = this.#peek();
    if (next !== CLOSE) this.#expect(COMMA);
    else this.#at++;
    if (next === CLOSE) return false;
    this.#peek();
    return true;
  }

  /** Reads a key and its colon. */
  #key(): string {
    const start = this.#at;
    this.#expect(QUOTE);
    let isPlain = true;
    let byte = this.#now[this.#at];
    for (; byte !== QUOTE; byte = this.#now[++this.#at]) {
      if (byte === undefined || byte < 32) throw new MapsError("maps: a key does not end");
      if (byte === BACKSLASH) this.#at++;
      isPlain &&= byte < 128 && byte !== BACKSLASH;
    }
    const end = this.#at++;
    const key = isPlain
      ? latin(this.#now, start + 1, end)
      : unescaped(this.#now.subarray(start, end + 1));
    this.#peek();
    this.#expect(COLON);
    this.#peek();
    return key;
  }

  /** Reads an integer, in quotes or, as far as a double is exact, without. */
  #integer(name: string): void {
    const now = this.#now;
    let at = this.#at;
    const isQuoted = now[at] === QUOTE;
    if (isQuoted) at++;
    const sign = now[at] === MINUS ? -1 : 1;
    if (sign < 0) at++;
    const first = at;
    let [high, middle, low] = [0, 0, 0];
    let byte = now[at]!;
    let end = at;
    while (byte >= ZERO && byte <= NINE) byte = now[++end]!;
    for (; at < end - 14; at++) high = high * 10 + now[at]! - ZERO;
    for (; at < end - 7; at++) middle = middle * 10 + now[at]! - ZERO;
    for (; at < end; at++) low = low * 10 + now[at]! - ZERO;
    const digits = end - first;
    const isWrong = digits === 0 || digits > MOST_DIGITS || (isQuoted ? byte !== QUOTE : (
      (digits > 1 && now[first] === ZERO) || high * 1e14 + middle * 1e7 + low >= 2 ** 53 ||
      byte === POINT || byte === UPPER_E || byte === LOWER_E
    ));
    if (isWrong) {
      throw new MapsError(`maps.${name}: an integer is wanted, in quotes from 2^53 on`);
    }
    this.#at = isQuoted ? end + 1 : end;
    this.#high = sign * high;
    this.#middle = sign * middle;
    this.#low = sign * low;
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
    return JSON.parse(utf8.decode(quoted));
  } catch {
    throw new MapsError("maps: a key is not a string of JSON");
  }
}
