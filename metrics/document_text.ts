/**
 * The JSON of a document, made as a stream from the records of a capture, in constant memory.
 *
 * @module
 */

import type { CaptureRecord } from "./capture.ts";
import { DocumentBuilder } from "./document_builder.ts";

/** Least number of characters of a piece, except the last one. */
const PIECE = 1 << 20;

/**
 * Makes the text of a document. The members before its windows are those that are known before them.
 *
 * @param pretty with line breaks and indentation.
 * @returns UTF-8 in pieces; each is valid until the next.
 * @throws {CaptureError} when the records are not a capture.
 */
export async function* documentText(
  records: AsyncIterable<CaptureRecord>,
  pretty = false,
): AsyncGenerator<Uint8Array> {
  const json = (value: unknown) => JSON.stringify(value, null, pretty ? 2 : 0);
  const indented = (text: string) => pretty ? `\n${text.replace(/^/gm, "    ")}` : text;
  const builder = new DocumentBuilder();
  const encoded = reusingEncoder();
  let text = "";
  let windows = 0;
  for await (const record of records) {
    if (record.type === "capture") {
      const beginning = json({ schema: "kea-metrics/1", server: record.server, windows: [] });
      text += beginning.slice(0, beginning.lastIndexOf("]"));
    }
    const window = builder.next(record);
    if (window === null) continue;
    text += `${windows++ === 0 ? "" : ","}${indented(json(window))}`;
    if (text.length < PIECE) continue;
    yield encoded(text);
    text = "";
  }
  const { schema: _schema, server: _server, windows: _windows, ...rest } = builder.document();
  text += pretty && windows > 0 ? "\n  ]," : "],";
  yield encoded(`${text}${json(rest).slice(1)}\n`);
}

/** Encodes texts into one reused buffer: the document of an hour has 150 MB. */
function reusingEncoder(): (text: string) => Uint8Array {
  const encoder = new TextEncoder();
  let buffer = new Uint8Array(2 * PIECE);
  return (text) => {
    // UTF-8 has at most three bytes per unit of UTF-16.
    if (buffer.length < 3 * text.length) buffer = new Uint8Array(4 * text.length);
    return buffer.subarray(0, encoder.encodeInto(text, buffer).written);
  };
}
