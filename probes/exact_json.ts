/**
 * Parses what `bpftrace -f json` prints, a line at a time, without losing a bit or a byte.
 *
 * @module
 */

/** A value of bpftrace's JSON; integers beyond 2^53 are decimal strings. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/**
 * Parses one line.
 *
 * Integers that a double cannot hold become decimal strings: our maps pack two numbers into 64
 * bits. Bytes from 0x80 on, which bpftrace writes as a sign-extended `\uffffffXX`, become `\u00XX`.
 *
 * @throws {SyntaxError} when the line is not JSON.
 */
export function parseExact(line: string): Json {
  const repaired = line.includes("\\uffffff")
    ? line.replace(/\\uffffff([0-9a-f]{2})/gi, "\\u00$1")
    : line;
  return JSON.parse(repaired, keepIntegers);
}

// TypeScript's library does not know the third parameter yet (ES2026, JSON.parse source text access).
function keepIntegers(_key: string, value: Json, context?: { source?: string }): Json {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && /^-?\d+$/.test(source) ? source : value;
}
