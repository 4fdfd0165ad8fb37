/**
 * Reads a capture fast, and in memory that does not grow with it: samples as changes.
 *
 * @module
 */

import { CaptureError, type CaptureRecord, parseRecord, type Sample } from "./capture.ts";
import type { ChangedSample } from "./map_changes.ts";
import { MapScanner, MapsError } from "./map_scanner.ts";

/** A record of a capture whose samples tell what changed. */
export type ChangeRecord = Exclude<CaptureRecord, Sample> | ChangedSample;

/** Longest line that is read, bytes; a sample has some hundred thousand at most. */
const LONGEST_LINE = 64 * 2 ** 20;

const MAPS = new TextEncoder().encode('"maps"');
const [BLANK, COLON] = [32, 58];

/**
 * Reads a capture as it comes. A last line without its end, from a run that was cut off, is left
 * out; whether an "end" record came tells the difference.
 *
 * @throws {CaptureError} for a complete line that is not a record, with its number.
 */
export async function* readChanges(
  stream: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<ChangeRecord> {
  const scanner = new MapScanner();
  let number = 0;
  for await (const lines of linesOf(stream)) {
    for (const line of lines) {
      number++;
      if (line.length > 0) yield recordOf(line, number, scanner);
    }
  }
  if (number === 0) throw new CaptureError("Cannot read the capture: it holds no complete line");
}

function recordOf(line: Uint8Array, number: number, scanner: MapScanner): ChangeRecord {
  const text = new TextDecoder();
  const at = number === 1 ? -1 : mapsIn(line);
  if (at < 0) {
    const record = parseRecord(text.decode(line), number);
    if (record.type !== "sample") return record;
    throw new CaptureError(`Cannot read line ${number} of the capture: the sample has no maps`);
  }
  try {
    const { changes, end } = scanner.scan(line, at);
    const rest = `${text.decode(line.subarray(0, at))}{}${text.decode(line.subarray(end))}`;
    const record = parseRecord(rest, number);
    if (record.type !== "sample") return record;
    const { maps: _, ...sample } = record;
    return { ...sample, changes };
  } catch (error) {
    if (!(error instanceof MapsError)) throw error;
    throw new CaptureError(`Cannot read line ${number} of the capture: ${error.message}`);
  }
}

/** Where the maps of a sample begin; -1 when there are none. Inside a string, quotes are escaped. */
function mapsIn(line: Uint8Array): number {
  for (let key = line.indexOf(MAPS[0]!); key >= 0; key = line.indexOf(MAPS[0]!, key + 1)) {
    if (MAPS.some((byte, index) => line[key + index] !== byte)) continue;
    let at = key + MAPS.length;
    while (line[at] === BLANK) at++;
    if (line[at] !== COLON) continue;
    do at++; while (line[at] === BLANK);
    return at;
  }
  return -1;
}

/** The complete lines of each piece of a stream, without their ends. They live until the next piece. */
async function* linesOf(
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<Generator<Uint8Array>> {
  let rest = new Uint8Array(0);
  for await (const piece of stream) {
    const last = piece.lastIndexOf(10);
    const bytes = rest.length === 0 ? piece : joined(rest, piece);
    if (last < 0) {
      if (bytes.length > LONGEST_LINE) {
        throw new CaptureError("Cannot read the capture: a line of more than 64 MiB");
      }
      rest = bytes.slice();
      continue;
    }
    const end = bytes.length - piece.length + last;
    yield split(bytes.subarray(0, end));
    rest = bytes.slice(end + 1);
  }
}

function* split(bytes: Uint8Array): Generator<Uint8Array> {
  let start = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    yield bytes.subarray(start, end);
    start = end + 1;
  }
  yield bytes.subarray(start);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
