/**
 * The work of `deno task to-hollow`: pushes a capture or a metrics document to a Hollow dataset.
 *
 * @module
 */

import { print } from "../../system/command_line.ts";
import { readCapture } from "../../metrics/capture.ts";
import type { Window } from "../../metrics/document.ts";
import { DocumentBuilder } from "../../metrics/document_builder.ts";
import { openMetrics } from "../../metrics/input/read_input.ts";
import type { ProducerClient } from "./producer_client.ts";
import { Pusher } from "./pusher.ts";
import { serverName } from "./pushing_command.ts";
import { type HollowRecord, inBatches, RecordError, recordsOf } from "./records.ts";
import { SEQUENCE_STEP } from "../../system/push/spool.ts";
import type { Family } from "../../metrics/dhcp.ts";

/** Prints the records of a file, one per line. */
export async function printRecords(path: string, name: string | undefined): Promise<void> {
  for await (const record of recordsIn(path, name)) print(`${JSON.stringify(record)}\n`);
}

/**
 * Pushes the records of a file.
 *
 * @param say is called with lines for people.
 * @throws {RecordError} when some could not be pushed; earlier ones are in the dataset.
 */
export async function pushFile(
  path: string,
  name: string | undefined,
  client: ProducerClient,
  say: (line: string) => void,
): Promise<void> {
  let sequence = Date.now() * 1000;
  let [count, expired] = [0, 0];
  let pusher: Pusher | null = null;
  const signal = new AbortController().signal;
  for await (const records of inBatches(recordsIn(path, name))) {
    pusher ??= new Pusher(client, { source: records[0]!.server, signal, say, retryForever: false });
    const window = new Date(records[0]!.windowStart).toISOString();
    const delivery = await pusher.deliver({ sequence, id: crypto.randomUUID(), window, records });
    if (delivery.kind !== "delivered") {
      throw new RecordError(
        `Cannot push to ${client.base}: ${delivery.why}` +
          (count === 0 ? "" : ` (${count} earlier records were pushed)`),
      );
    }
    sequence += SEQUENCE_STEP;
    count += records.length;
    expired += delivery.expired;
    say(`Pushed ${count} records, up to ${new Date(records.at(-1)!.windowEnd).toISOString()}`);
  }
  if (expired > 0) {
    say(
      `The dataset keeps a limited number of windows per server: ${expired} older records were dropped`,
    );
  }
}

/** The records of a file, window by window. */
async function* recordsIn(path: string, name: string | undefined): AsyncGenerator<HollowRecord> {
  const input = openMetrics(path);
  let server = name ?? (input.kind === "document" ? serverName(input.document.server) : null);
  const windows = input.kind === "document"
    ? input.document.windows
    : windowsOf(input.pieces, (facts) => server ??= serverName(facts));
  let isEmpty = true;
  for await (const window of windows) {
    if (server === null) {
      throw new RecordError(`Cannot push "${path}", it does not name its server: give --name`);
    }
    isEmpty = false;
    yield* recordsOf(window, server);
  }
  if (isEmpty) {
    throw new RecordError(`Cannot push "${path}", it has no windows: give the capture of a run`);
  }
}

/** The windows of a capture. */
async function* windowsOf(
  pieces: Iterable<Uint8Array>,
  onServer: (server: { readonly host: string; readonly family: Family }) => void,
): AsyncGenerator<Window> {
  const builder = new DocumentBuilder();
  for await (const record of readCapture(pieces)) {
    if (record.type === "capture") onServer(record.server);
    const window = builder.next(record);
    if (window !== null) yield window;
  }
}
