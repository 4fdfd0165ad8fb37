/**
 * Reads a capture or a metrics document, for charts.
 *
 * @module
 */

import { openInput } from "../../system/command_line.ts";
import { piecesOf } from "../../system/file_bytes.ts";
import { readCapture } from "../capture.ts";
import { type MetricsDocument, parseDocument } from "../document.ts";
import { mergedWindows, overviewOf } from "../overview.ts";
import { InputError, isCaptureStart } from "./input_lines.ts";

/** The longest string of V8. */
const LONGEST_DOCUMENT = 512 * 2 ** 20;

/** An opened and recognized file. */
export type MetricsInput =
  | { readonly kind: "capture"; readonly pieces: Iterable<Uint8Array> }
  | { readonly kind: "document"; readonly document: MetricsDocument };

/**
 * Opens a file, or standard input for `-`. A document is read at once, a capture as a stream.
 *
 * @throws {InputError} in one line when it is neither; {@linkcode DocumentError} when it is damaged.
 */
export function openMetrics(path: string): MetricsInput {
  const pieces = path === "-"
    ? piecesOf(Deno.stdin)
    : allOf(openInput(path, "a capture or a metrics document"));
  const first = pieces.next();
  if (first.done) throw new InputError(`Cannot read "${path}": it is empty`);
  const all = function* () {
    yield first.value;
    yield* pieces;
  };
  if (isCaptureStart(new TextDecoder().decode(first.value.subarray(0, 100)))) {
    return { kind: "capture", pieces: all() };
  }
  return { kind: "document", document: parseDocument(json(path, textOf(path, all()))) };
}

/**
 * Reads a file, or standard input for `-`.
 *
 * @param only "document" to refuse captures.
 * @returns the document, its windows merged to the number that a chart can show.
 * @throws {InputError} in one line when it is neither; {@linkcode CaptureError} and
 * {@linkcode DocumentError} when it is damaged.
 */
export async function readInput(path: string, only?: "document"): Promise<MetricsDocument> {
  const input = openMetrics(path);
  if (input.kind === "document") {
    const { document } = input;
    return { ...document, windows: mergedWindows(document.windows) };
  }
  if (only === "document") {
    throw new InputError(`Cannot read "${path}", it is a capture: use deno task viz`);
  }
  return await overviewOf(readCapture(input.pieces));
}

/** The contents of a file, which is closed at their end. */
function* allOf(file: Deno.FsFile): Generator<Uint8Array<ArrayBuffer>> {
  try {
    yield* piecesOf(file);
  } finally {
    file.close();
  }
}

function textOf(path: string, pieces: Iterable<Uint8Array>): string {
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let length = 0;
  for (const piece of pieces) {
    length += piece.length;
    if (length > LONGEST_DOCUMENT) {
      throw new InputError(`Cannot read "${path}", it has over 512 MiB: give the capture instead`);
    }
    parts.push(decoder.decode(piece, { stream: true }));
  }
  return parts.join("");
}

function json(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InputError(
      `Cannot read "${path}", it is neither a capture nor JSON: give a capture or a metrics document`,
    );
  }
}
