/**
 * Reads a capture fast, and in memory that does not grow with it: samples as changes.
 *
 * @module
 */

import { LineSplitter } from "./bytes.ts";
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
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<ChangeRecord> {
  const scanner = new MapScanner();
  const splitter = new LineSplitter();
  let number = 0;
  let isFirst = true;
  for await (const piece of bytes) {
    for (const line of splitter.lines(piece)) {
      number++;
      if (line.length === 0) continue;
      yield recordOf(line, number, isFirst, scanner);
      isFirst = false;
    }
    if (splitter.rest.length > LONGEST_LINE) {
      throw new CaptureError(`Cannot read line ${number + 1} of the capture: it has over 64 MiB`);
    }
  }
  if (isFirst) throw new CaptureError("Cannot read the capture: it holds no complete line");
}

function recordOf(
  line: Uint8Array,
  number: number,
  isFirst: boolean,
  scanner: MapScanner,
): ChangeRecord {
  const text = new TextDecoder();
  const at = isFirst ? -1 : mapsIn(line);
  if (at < 0) {
    const record = parseRecord(text.decode(line), number, isFirst);
    if (record.type !== "sample") return record;
    throw new CaptureError(`Cannot read line ${number} of the capture: the sample has no maps`);
  }
  try {
    const { changes, end } = scanner.scan(line, at);
    const rest = `${text.decode(line.subarray(0, at))}{}${text.decode(line.subarray(end))}`;
    const record = parseRecord(rest, number, isFirst);
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
