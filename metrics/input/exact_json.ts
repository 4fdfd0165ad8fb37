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
 * bits. Bytes from 0x80 on are read as UTF-8.
 *
 * @throws {SyntaxError} when the line is not JSON.
 */
export function parseExact(line: string): Json {
  const parsed = JSON.parse(line, keepIntegers);
  return line.includes("\\uffffff") ? withText(parsed) : parsed;
}

/**
 * Reads as UTF-8 what bpftrace made of bytes from 0x80 on, in a string of its JSON that was parsed:
 * it prints them with their sign extended, as `\uffffffc3`, which JSON takes for U+FFFF and "ffc3".
 */
export function bytesAsText(parsed: string): string {
  return parsed.replaceAll(/(?:\uffffff[0-9a-f]{2})+/g, (bytes) => {
    const codes = bytes.split("\uffffff").slice(1).map((digits) => parseInt(digits, 16));
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(codes));
  });
}

function withText(value: Json): Json {
  if (typeof value === "string") return bytesAsText(value);
  if (Array.isArray(value)) return value.map(withText);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [bytesAsText(key), withText(each)]),
  );
}

// TypeScript's library does not know the third parameter yet (ES2026, JSON.parse source text access).
function keepIntegers(_key: string, value: Json, context?: { source?: string }): Json {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && /^-?\d+$/.test(source) ? source : value;
}
