/**
 * Damages real inputs the way that disks, pipes, people and attackers do.
 *
 * @module
 */

import { mulberry32 } from "../../system/mulberry32.ts";

/** A damaged input. */
export interface Mutant {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether it is the original up to a place within a line, and no more. */
  readonly isCut: boolean;
  /** Whether it is the original but for a byte within a line, which is not a digit for another. */
  readonly isWithinLine: boolean;
}

/** Whole numbers below a limit. */
type Below = (limit: number) => number;

/** What programs choke on. */
const TOKENS = [
  ...["0", "-1", "1.5", "1e999", "9007199254740993", "18446744073709551616", "NaN", "ffffffff"],
  ...["null", "true", "{}", "[]", '""', "{", "}", "[", "]", '"', "\\", "\\u0000", "\\ud800", "\\x"],
  ...["__proto__", "constructor", "toString", "\0", "\x1b[31m", "\ufffe", "\u202e", "é", "\r\n"],
  ...[
    "\n",
    "\n\n",
    ", ",
    ": ",
    "@",
    "@x: 1\n",
    "]: ",
    "|",
    "%s",
    "../",
    "/",
    "#",
    "//",
    "/*",
    "<?",
  ],
].map((token) => new TextEncoder().encode(token));

const [NEWLINE, LONGEST_RUN] = [10, 3000];

/** One input in so many is made that large, bytes: what is quadratic hangs there. */
const [LARGE_ONE_IN, LARGE] = [500, 2 ** 20];

/**
 * Damages an input, always in the same way for the same seed.
 *
 * @param others inputs that pieces are taken from.
 */
export function mutant(
  original: Uint8Array,
  others: readonly Uint8Array[],
  seed: number,
): Mutant {
  const random = mulberry32(seed);
  const below: Below = (limit) => Math.floor(random() * limit);
  if (below(LARGE_ONE_IN) === 0) {
    return { bytes: enlarged(original, below), isCut: false, isWithinLine: false };
  }
  const kind = below(10);
  if (kind === 0) {
    const at = below(original.length);
    const isWithin = at > 0 && original[at - 1] !== NEWLINE && original[at] !== NEWLINE;
    return { bytes: original.slice(0, at), isCut: isWithin, isWithinLine: false };
  }
  if (kind <= 3) return withinLine(original, below);
  let bytes: Uint8Array<ArrayBuffer> = original.slice();
  for (let damages = below(4); damages >= 0; damages--) bytes = damaged(bytes, others, below);
  return { bytes, isCut: false, isWithinLine: false };
}

/** An input with a piece of it, or a token, again and again. */
function enlarged(original: Uint8Array, below: Below): Uint8Array<ArrayBuffer> {
  const [at, from] = [below(original.length), below(original.length)];
  const lines = original.subarray(from, from + 1 + below(200));
  const piece = below(2) === 0 ? lines : TOKENS[below(TOKENS.length)]!;
  const run = new Uint8Array(LARGE);
  for (let place = 0; place < LARGE; place++) run[place] = piece[place % piece.length]!;
  return joined(original.subarray(0, at), run, original.subarray(at));
}

function withinLine(original: Uint8Array, below: Below): Mutant {
  const bytes = original.slice();
  const at = below(bytes.length);
  const isFirst = at === 0 || bytes[at - 1] === NEWLINE;
  const byte = 33 + below(94);
  const isSame = bytes[at] === NEWLINE || isFirst;
  // Another number is as good as the one before.
  const isNoticed = !isSame && !(isDigit(bytes[at]!) && isDigit(byte));
  if (!isSame) bytes[at] = byte;
  return { bytes, isCut: false, isWithinLine: isNoticed };
}

const isDigit = (byte: number) => byte >= 48 && byte <= 57;

function damaged(
  bytes: Uint8Array,
  others: readonly Uint8Array[],
  below: Below,
): Uint8Array<ArrayBuffer> {
  const at = below(bytes.length + 1);
  const end = Math.min(bytes.length, at + 1 + below(below(2) === 0 ? 8 : 400));
  switch (below(8)) {
    case 0:
      return joined(bytes.subarray(0, at), bytes.subarray(end));
    case 1:
      return joined(bytes.subarray(0, end), bytes.subarray(at));
    case 2:
      return joined(bytes.subarray(0, at), TOKENS[below(TOKENS.length)]!, bytes.subarray(at));
    case 3:
      return joined(bytes.subarray(0, at), TOKENS[below(TOKENS.length)]!, bytes.subarray(end));
    case 4: {
      const other = others[below(others.length)]!;
      const from = below(other.length + 1);
      const piece = other.subarray(from, from + below(400));
      return joined(bytes.subarray(0, at), piece, bytes.subarray(end));
    }
    case 5: {
      const copy = bytes.slice();
      for (let place = at; place < end; place++) copy[place]! ^= 1 << below(8);
      return copy;
    }
    case 6: {
      const run = new Uint8Array(below(LONGEST_RUN)).fill(bytes[at] ?? below(256));
      return joined(bytes.subarray(0, at), run, bytes.subarray(at));
    }
    default: {
      const token = TOKENS[below(TOKENS.length)]!;
      const run = joined(...Array(1 + below(300)).fill(token));
      return joined(bytes.subarray(0, at), run, bytes.subarray(at));
    }
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
