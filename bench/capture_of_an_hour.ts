/**
 * A generated capture of one hour, for benchmarks.
 *
 * @module
 */

import {
  type CaptureHeader,
  type CaptureRecord,
  parseRecord,
  type Sample,
} from "../metrics/capture.ts";
import { bucketOf } from "../metrics/histogram.ts";
import { mulberry32 } from "../system/mulberry32.ts";
import { pathOf } from "../tests/metrics/fixtures/captures.ts";

/** Time series of a busy server with many probes: map, key without its bucket, median in ns. */
const TIMES: readonly (readonly [map: string, key: readonly number[], median: number])[] = [
  ["@processing", [1, 2], 5e5],
  ["@processing", [3, 5], 3e5],
  ["@processing", [3, 6], 2e5],
  ["@processing", [8, 5], 2e5],
  ["@processing", [1, 5], 6e5],
  ...["@before", "@allocation", "@after"].flatMap((map) =>
    [1, 3, 8].map((message) => [map, [message], 1e5 * message] as const)
  ),
  ...Array.from(
    { length: 8 },
    (_, index) => ["@lease_manager", [index], 2e4 + 5e3 * index] as const,
  ),
  ["@lease_file_write", [], 1.2e4],
];

/** Events of each series in a window. */
const EVENTS = 200;

/** Spread of the logarithm of times: p99 is 2.2 times p50, as in a real run, and a few take much longer. */
const SPREAD = 0.34;
const TAIL = { share: 0.03, spread: 1.2 };

/** The records of a run of an hour with 1 s windows, given the header of a real run. */
export function* captureOfAnHour(header: CaptureHeader, seconds = 3600): Generator<CaptureRecord> {
  // Seeded, so that every run reads the same bytes.
  const chance = mulberry32(1);
  yield header;
  for (let second = 0; second <= seconds; second++) {
    yield sampleOf(second, second === 0 ? {} : rowsOfASecond(chance));
  }
  const ended = new Date(Date.parse(header.started) + 1000 * seconds).toISOString();
  const elapsed_ns = seconds * 1e9;
  yield { type: "end", elapsed_ns, ended, verdict: "COMPLETE", reasons: [], not_available: [] };
}

/** What a busy server's programs count in a second. */
function rowsOfASecond(chance: () => number): Sample["maps"] {
  const normal = () => Math.sqrt(-2 * Math.log(1 - chance())) * Math.cos(2 * Math.PI * chance());
  const maps: Record<string, number[][]> = {};
  const add = (map: string, ...row: number[]) => (maps[map] ??= []).push(row);
  for (const [map, key, median] of TIMES) {
    const buckets = new Map<number, { count: number; sum: number }>();
    for (let event = 0; event < EVENTS; event++) {
      const spread = chance() < TAIL.share ? TAIL.spread : SPREAD;
      const time = Math.round(median * Math.exp(spread * normal()));
      const bucket = buckets.getOrInsertComputed(bucketOf(time), () => ({ count: 0, sum: 0 }));
      bucket.count++;
      bucket.sum += time;
    }
    for (const [bucket, { count, sum }] of buckets) add(map, ...key, bucket, count, sum);
    if (map !== "@processing") continue;
    const [message, answer] = key;
    add("@received", 1, message!, EVENTS, 300 * EVENTS);
    add("@sent", 1, answer!, EVENTS, 310 * EVENTS);
  }
  return maps;
}

function sampleOf(second: number, maps: Sample["maps"]): Sample {
  return {
    type: "sample",
    segment: 0,
    elapsed_ns: second * 1e9,
    maps,
    requests: {
      unanswered: { 1: 0, 3: 0, 8: 0 },
      late: { 1: 0, 3: 0, 8: 0 },
      pending: { 1: 2, 3: 1, 8: 0 },
    },
    process: {
      threads: ["main", "thread-1", "thread-2", "thread-3", "thread-4"].map((thread, index) => ({
        tid: 1000 + index,
        thread,
        user_seconds: second * 0.1 * (index + 1),
        system_seconds: second * 0.01 * (index + 1),
      })),
      memory: { rss: 3e7 + 1000 * second, pss: 2e7, anonymous: 1e7, swap: 0 },
      minor_faults: 20 * second,
      major_faults: 0,
      throttled_seconds: null,
    },
    sockets: [{ socket: "raw", id: "raw:1", drops: 0, queued_bytes: 0 }],
    cost: {
      bpf_seconds: 0.03 * second,
      hits: 40_000 * second,
      monitor_cpu_seconds: 0.02 * second,
      monitor_memory_bytes: 2e8,
    },
  };
}

/** The first line of a real run. */
const HEADER = pathOf("v4");

/**
 * Writes the capture, with the header of a real run.
 *
 * @returns its length, bytes.
 */
export async function writeCaptureOfAnHour(path: string): Promise<number> {
  const [header] = (await Deno.readTextFile(HEADER)).split("\n");
  using file = Deno.openSync(path, { write: true, createNew: true });
  let length = 0;
  const first = parseRecord(header!, 1);
  if (first.type !== "capture") throw new TypeError("Cannot begin a capture without its header");
  for (const record of captureOfAnHour(first)) {
    const line = new TextEncoder().encode(`${JSON.stringify(record)}\n`);
    for (let rest = line; rest.length > 0;) rest = rest.subarray(file.writeSync(rest));
    length += line.length;
  }
  return length;
}
