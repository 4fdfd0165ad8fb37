/**
 * From what a run left, a capture or bpftrace's own output, to the text of its metrics document.
 *
 * @module
 */

import { readChanges } from "../metrics/capture_changes.ts";
import { documentText } from "../metrics/document_text.ts";
import { documentOfBpftrace } from "./bpftrace_output.ts";

/** An input is nothing that can be converted. */
export class InputError extends Error {
  override name = "InputError";
}

/**
 * Converts an input as it comes.
 *
 * @returns the text of the document, in pieces that live until the next one.
 * @throws {InputError} for an input that is neither; {@linkcode CaptureError} and
 * {@linkcode BpftraceOutputError} for one that is damaged.
 */
export async function* convert(
  input: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  pretty: boolean,
): AsyncGenerator<Uint8Array> {
  const { kind, bytes } = await recognized(input);
  if (kind === "capture") {
    yield* documentText(readChanges(bytes), pretty);
    return;
  }
  const document = await documentOfBpftrace(linesOf(bytes));
  yield new TextEncoder().encode(`${JSON.stringify(document, null, pretty ? 2 : 0)}\n`);
}

/** Longest beginning that is looked at, bytes. */
const BEGINNING = 2 ** 20;

/** Tells a capture by its first line. */
async function recognized(input: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<{
  readonly kind: "capture" | "bpftrace";
  readonly bytes: AsyncIterable<Uint8Array>;
}> {
  const pieces = async function* () {
    yield* input;
  }();
  const read: Uint8Array[] = [];
  const decoder = new TextDecoder();
  let beginning = "";
  for (let next = await pieces.next(); !next.done; next = await pieces.next()) {
    // A piece lives until the next one.
    read.push(next.value.slice());
    beginning += decoder.decode(next.value, { stream: true });
    if (/\S.*\n/.test(beginning) || beginning.length > BEGINNING) break;
  }
  const line = beginning.trimStart().split("\n")[0]!;
  if (line === "") throw new InputError("Cannot convert the input: it is empty");
  const { type } = object(line);
  const schema = /^\s*\{\s*"schema":\s*"([^"]*)"/.exec(beginning)?.[1];
  if (schema !== undefined) {
    throw new InputError(`Cannot convert the input: it is a document of ${schema} already`);
  }
  const bytes = async function* () {
    yield* read;
    yield* pieces;
  }();
  return { kind: type === "capture" ? "capture" : "bpftrace", bytes };
}

/** A line of JSON as an object; an empty one for any other line. */
function object(line: string): { readonly type?: unknown } {
  try {
    return Object(JSON.parse(line));
  } catch {
    return {};
  }
}

async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of bytes) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}
