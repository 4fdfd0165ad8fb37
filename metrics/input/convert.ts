/**
 * Converts a capture, or bpftrace's own output, to the text of a metrics document.
 *
 * @module
 */

import { readCapture } from "../capture.ts";
import { documentText } from "../document_text.ts";
import { documentOfBpftrace } from "./bpftrace_output.ts";
import { InputError, InputLines, isCaptureStart, refuseForeign } from "./input_lines.ts";

/**
 * Converts an input as a stream.
 *
 * @returns the text of the document, in pieces; each is valid until the next.
 * @throws {InputError} for an input that is neither; {@linkcode CaptureError} and
 * {@linkcode BpftraceOutputError} for one that is damaged.
 */
export async function* convert(
  input: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  pretty: boolean,
): AsyncGenerator<Uint8Array> {
  const { isCapture, bytes } = await recognized(input);
  if (isCapture) {
    yield* documentText(readCapture(bytes), pretty);
    return;
  }
  const document = await documentOfBpftrace(new InputLines(bytes));
  yield new TextEncoder().encode(`${JSON.stringify(document, null, pretty ? 2 : 0)}\n`);
}

/** The most bytes that are read to recognize the input. */
const BEGINNING = 2 ** 20;

const DOCUMENT = /^\s*\{\s*"schema":\s*"([^"]*)"/;

const [NEWLINE, BLANK] = [10, 32];

/** Recognizes a capture by its first line that is not empty. */
async function recognized(input: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<{
  readonly isCapture: boolean;
  readonly bytes: AsyncIterable<Uint8Array>;
}> {
  const pieces = async function* () {
    yield* input;
  }();
  const read: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  let isBlank = true;
  for (let next = await pieces.next(); !next.done; next = await pieces.next()) {
    // A piece lives until the next one.
    read.push(next.value.slice());
    length += next.value.length;
    const text = isBlank ? next.value.findIndex((byte) => byte > BLANK) : 0;
    if (text < 0) continue;
    isBlank = false;
    if (next.value.includes(NEWLINE, text) || length > BEGINNING) break;
  }
  const start = await new Blob(read).bytes();
  refuseForeign(start);
  if (isBlank) throw new InputError("Cannot convert the input: it is empty");
  const beginning = new TextDecoder().decode(start.subarray(0, BEGINNING));
  const schema = DOCUMENT.exec(beginning)?.[1];
  if (schema !== undefined) {
    throw new InputError(`Cannot convert the input: it is a document of ${schema} already`);
  }
  const bytes = async function* () {
    yield start;
    yield* pieces;
  }();
  return { isCapture: isCaptureStart(beginning), bytes };
}
