/**
 * The JSON of a document, made while the records of a capture come, in memory that does not grow
 * with them.
 *
 * @module
 */

import { ByteBuffer } from "./bytes.ts";
import type { CaptureRecord } from "./capture.ts";
import type { ChangeRecord } from "./capture_changes.ts";
import type { BuiltWindow } from "./built_window.ts";
import { WindowBuilder } from "./windows.ts";

/** Bytes that a piece has at least, but for the last one. */
const PIECE = 1 << 20;

/**
 * Makes the text of a document; what stands before its windows is what is known before them.
 *
 * @param pretty with line breaks and indentation.
 * @returns UTF-8 in pieces that live until the next one.
 * @throws {CaptureError} when the records are not those of a capture.
 */
export async function* documentText(
  records: AsyncIterable<CaptureRecord | ChangeRecord>,
  pretty = false,
): AsyncGenerator<Uint8Array> {
  const buffer = new ByteBuffer();
  let windows = 0;
  const builder = new WindowBuilder((window) => {
    if (windows++ > 0) buffer.appendText(",");
    if (pretty) buffer.appendText(prettyText(window));
    else window.write(buffer);
  });
  const json = (value: unknown) => JSON.stringify(value, null, pretty ? 2 : 0);
  for await (const record of records) {
    if (record.type === "capture") {
      const beginning = json({ schema: "kea-metrics/1", server: record.server, windows: [] });
      buffer.appendText(beginning.slice(0, beginning.lastIndexOf("]")));
    }
    const window = builder.next(record);
    if (!pretty && !window?.isFinished) window?.keepWritten();
    if (buffer.length < PIECE) continue;
    yield buffer.view;
    buffer.drop(buffer.length);
  }
  const { schema: _schema, server: _server, windows: _windows, ...rest } = builder.document();
  buffer.appendText(pretty && windows > 0 ? "\n  ]," : "],");
  buffer.appendText(`${json(rest).slice(1)}\n`);
  yield buffer.view;
}

function prettyText(window: BuiltWindow): string {
  return `\n${JSON.stringify(window.final(), null, 2).replace(/^/gm, "    ")}`;
}
