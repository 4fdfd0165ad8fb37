/** Records with unit values, for tests that say what they change. */

import type {
  CaptureHeader,
  CaptureRecord,
  ProcessSample,
  Sample,
  ServerRecord,
} from "../../metrics/capture.ts";

/** A server as a capture keeps it. */
export const SERVER: ServerRecord = {
  family: 4,
  pid: 1000,
  version: "2.2.0",
  executable: "/usr/sbin/kea-dhcp4",
  host: "test",
};

/** A header; started at the full hour. */
export const HEADER: CaptureHeader = {
  type: "capture",
  version: 2,
  tool: "test",
  started: "2026-01-01T00:00:00.000Z",
  interval_seconds: 1,
  profile: "standard",
  bpftrace: "0.17.0",
  server: SERVER,
  plan: {
    files: ["packets_raw.bt"],
    sites: [],
    operations: ["getLease4_address", "addLease4"],
    stages: "coarse",
    forecast_us_per_exchange: 10,
    not_available: [],
  },
};

/** An end record without a complaint. */
export const END: Extract<CaptureRecord, { type: "end" }> = {
  type: "end",
  elapsed_ns: 0,
  ended: "2026-01-01T00:01:00.000Z",
  verdict: "COMPLETE",
  reasons: [],
  not_available: [],
};

/** What was counted since the sample before, `seconds` after the start. */
export function sampleAt(
  seconds: number,
  maps: Sample["maps"],
  more: Partial<Sample> = {},
): Sample {
  return {
    type: "sample",
    segment: 0,
    elapsed_ns: seconds * 1e9,
    maps,
    requests: { unanswered: {}, late: {}, pending: {} },
    process: null,
    sockets: [],
    cost: null,
    ...more,
  };
}

/** A process with one thread for each pair of user and system seconds. */
export function processWith(
  ...threads: readonly (readonly [user: number, system: number])[]
): ProcessSample {
  return {
    threads: threads.map(([user, system], index) => ({
      tid: 1000 + index,
      thread: index === 0 ? "main" : `thread-${index}`,
      user_seconds: user,
      system_seconds: system,
    })),
    memory: { rss: 4096, pss: 2048, anonymous: 1024, swap: 0 },
    minor_faults: 10,
    major_faults: 0,
    throttled_seconds: null,
  };
}

/** A stream of a text, in pieces. */
export function streamOf(text: string | Uint8Array, piece = 1000): ReadableStream<Uint8Array> {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return ReadableStream.from(function* () {
    for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
  }());
}
