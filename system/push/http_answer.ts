/**
 * Answers of receivers: read up to a limit, and in words for people.
 *
 * @module
 */

import { oneLine } from "../command_line.ts";

/** Limit for an answer's Retry-After, milliseconds. */
const LONGEST_RETRY_AFTER_MS = 3_600_000;

/** Longest part of foreign text in a line. */
const LONGEST_EXCERPT = 300;

/**
 * Reads an answer.
 *
 * @throws {Error} when it has more bytes than the limit.
 */
export async function bytesOf(
  response: Response,
  limit: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const piece of response.body ?? []) {
    length += piece.length;
    if (length > limit) throw new Error("its answer does not end");
    pieces.push(piece);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

/** Milliseconds that a Retry-After header says, seconds or a date; null without a usable one. */
export function retryAfterMs(header: string | null): number | null {
  if (header === null) return null;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS);
}

/**
 * Why there is no answer; `fetch` has it in the cause of its error.
 *
 * @param trust what names a certificate to trust.
 */
export function failureOf(error: unknown, trust: string): string {
  if (error instanceof DOMException && error.name === "TimeoutError") return "no answer in time";
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const text = oneLine(cause)
    .replace(/^error sending request (for url|from) .*?: (?=\D)/, "")
    .replace(/^client error \(\w+\): /, "")
    .replace(/ \(os error \d+\)/, "");
  const hint = /certificate/i.test(text) ? ` (${trust} names a certificate to trust)` : "";
  return `${excerpt(text)}${hint}`;
}

/** Foreign text, shortened and without control characters. */
export function excerpt(text: string): string {
  // deno-lint-ignore no-control-regex
  const line = text.replaceAll(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, " ");
  return line.length > LONGEST_EXCERPT ? `${line.slice(0, LONGEST_EXCERPT)}...` : line;
}
