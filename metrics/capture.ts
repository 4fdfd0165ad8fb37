/**
 * Capture v1: the NDJSON file that a run writes, complete enough to redo everything after it.
 *
 * The maps of bpftrace are cumulative, so a capture holds samples: the state at an instant. A
 * window is the difference between two successive samples of one segment.
 *
 * @module
 */

import { z } from "zod";

const family = z.union([z.literal(4), z.literal(6)]);
const unavailable = z.object({ metric: z.string(), why: z.string() });
const count = z.number().nonnegative();
/** Nanoseconds since the start, up to 31 years. */
const elapsed = count.max(1e18);
/** Integers of 64 bits, signed as bpftrace prints them; decimal strings beyond 2^53. */
const value = z.union([z.int(), z.string().regex(/^-?\d+$/)]);

const serverRecord = z.object({
  family,
  pid: z.int().positive(),
  version: z.string(),
  executable: z.string(),
  host: z.string(),
});

const planRecord = z.object({
  files: z.array(z.string()),
  sites: z.array(z.object({
    id: z.string(),
    file: z.string(),
    address: z.string(),
    symbol: z.string().nullable(),
    class: z.enum(["emulated", "single-stepped"]),
    price_us: z.number(),
  })),
  operations: z.array(z.string()),
  forecast_us_per_exchange: z.number(),
  not_available: z.array(unavailable),
});

const header = z.object({
  type: z.literal("capture"),
  version: z.literal(1),
  tool: z.string(),
  started: z.iso.datetime(),
  interval_seconds: z.number().positive(),
  profile: z.enum(["light", "standard", "deep"]),
  bpftrace: z.string(),
  server: serverRecord,
  plan: planRecord,
  /** Packets that took longer are listed one by one, nanoseconds. */
  slow_ns: z.number().positive().optional(),
});

const processSample = z.object({
  threads: z.array(z.object({
    tid: z.int(),
    thread: z.string(),
    user_seconds: count,
    system_seconds: count,
  })),
  memory: z.object({ rss: count, pss: count, anonymous: count, swap: count }),
  minor_faults: count,
  major_faults: count,
  throttled_seconds: count.nullable(),
});

const socketSample = z.object({
  socket: z.enum(["raw", "udp"]),
  id: z.string(),
  drops: count,
  queued_bytes: count,
});

const costSample = z.object({
  bpf_seconds: count,
  hits: count,
  monitor_cpu_seconds: count,
  monitor_memory_bytes: count,
});

const sample = z.object({
  type: z.literal("sample"),
  segment: z.int().nonnegative(),
  /** Monotonic nanoseconds since the start of the capture. */
  elapsed_ns: elapsed,
  maps: z.record(z.string(), z.union([value, z.record(z.string(), value)])),
  /**
   * Readable names of what the maps have in their keys: exception types by mangled name, callouts
   * (hook point, library and function, tab-separated) by `callout:NUMBER`, hook points by
   * `hook:NUMBER`.
   */
  names: z.record(z.string(), z.string()),
  process: processSample.nullable(),
  sockets: z.array(socketSample),
  cost: costSample.nullable(),
});

const segment = z.object({
  type: z.literal("segment"),
  segment: z.int().positive(),
  elapsed_ns: elapsed,
  server: serverRecord,
  plan: planRecord,
  reason: z.string(),
});

const note = z.object({ type: z.literal("note"), elapsed_ns: elapsed, reason: z.string() });

const traffic = z.object({
  type: z.literal("traffic"),
  elapsed_ns: elapsed,
  /** Packets of the client that this run started, and how long it sent; absent in older captures. */
  client: z.object({
    engine: z.string(),
    sent: count,
    received: count,
    dropped: count,
    seconds: count.optional(),
  }).nullable(),
  /** By how much Kea's own counters grew during the run; null where it was not asked. */
  statistics: z.record(z.string(), count).nullable(),
});

const slow = z.object({
  type: z.literal("slow"),
  /** When it was answered. */
  elapsed_ns: elapsed,
  message: z.int().nonnegative(),
  answer: z.int().nonnegative(),
  time_ns: count,
  /** Transaction id, hexadecimal; hashed where the run redacts. */
  transaction: z.string(),
  /** Hardware address, or the last 16 bytes of the DUID; hashed where the run redacts. */
  client: z.string(),
  /** Nanoseconds by stage. */
  stages: z.record(z.string(), count),
});

const end = z.object({
  type: z.literal("end"),
  /** Until when the server was, or should have been, watched; absent in older captures. */
  elapsed_ns: elapsed.optional(),
  ended: z.iso.datetime(),
  verdict: z.enum(["COMPLETE", "PARTIAL"]),
  reasons: z.array(z.string()),
  not_available: z.array(unavailable),
});

const record = z.discriminatedUnion("type", [header, sample, segment, note, traffic, slow, end]);

/** Any line of a capture. */
export type CaptureRecord = z.infer<typeof record>;
/** The first line: what was watched, how, with which plan. */
export type CaptureHeader = z.infer<typeof header>;
/** The server's state at an instant; counters are cumulative within a segment. */
export type Sample = z.infer<typeof sample>;
/** What clients sent, and what Kea itself says of it. */
export type Traffic = z.infer<typeof traffic>;
/** A packet that took longer than the run's threshold. */
export type SlowPacket = z.infer<typeof slow>;
/** CPU (cumulative seconds by thread), memory in bytes, page faults of the server. */
export type ProcessSample = z.infer<typeof processSample>;
/** Packets that the kernel dropped at one socket since it was opened. */
export type SocketSample = z.infer<typeof socketSample>;
/** What looking has cost so far. */
export type CostSample = z.infer<typeof costSample>;
/** A server as a capture keeps it. */
export type ServerRecord = z.infer<typeof serverRecord>;
/** A probe plan as a capture keeps it. */
export type PlanRecord = z.infer<typeof planRecord>;

/** A capture cannot be read. */
export class CaptureError extends Error {
  override name = "CaptureError";
}

/**
 * Parses one line.
 *
 * @param number its number, from 1, for the error.
 * @param isFirst whether it should be the header; elsewhere a header begins another capture.
 * @throws {CaptureError} when it is not a record of capture version 1.
 */
export function parseRecord(
  line: string,
  number: number,
  isFirst = number === 1,
): CaptureRecord {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    throw new CaptureError(`Cannot read line ${number} of the capture: it is not JSON`);
  }
  if (isFirst) refuseForeign(json);
  const result = record.safeParse(json);
  if (!result.success) {
    const { path, message } = result.error.issues[0]!;
    throw new CaptureError(
      `Cannot read line ${number} of the capture: ${path.join(".") || "record"}: ${message}`,
    );
  }
  if (result.data.type === "capture" && !isFirst) {
    throw new CaptureError(
      `Cannot read line ${number} of the capture: another capture begins here, give one at a time`,
    );
  }
  return result.data;
}

function refuseForeign(json: unknown): void {
  const { type, version } = (json ?? {}) as { type?: unknown; version?: unknown };
  if (type !== "capture") {
    throw new CaptureError('Cannot read the capture: its first line is not of type "capture"');
  }
  if (version !== 1) {
    throw new CaptureError(`Cannot read a capture of version ${version}, version 1 is wanted`);
  }
}

/**
 * Reads a capture as it comes. A last line without its end, from a run that was cut off, is left
 * out; whether an "end" record came tells the difference.
 *
 * @throws {CaptureError} for a complete line that is not a record, with its number.
 */
export async function* readCapture(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<CaptureRecord> {
  let rest = "";
  let number = 0;
  let isFirst = true;
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      number++;
      if (line === "") continue;
      yield parseRecord(line, number, isFirst);
      isFirst = false;
    }
  }
  if (isFirst) throw new CaptureError("Cannot read the capture: it holds no complete line");
}
