/**
 * Capture v2: the NDJSON file of a run. Everything after it can be redone from it.
 *
 * A window lies between two successive samples of one segment. A sample has what the programs counted since
 * the previous sample, and the state of the server at that time.
 *
 * @module
 */

import { z } from "zod";
import type { Row } from "./counted_maps.ts";
import { setup } from "./server_setup.ts";
import { linesOf, LongLineError } from "../system/lines.ts";

const family = z.union([z.literal(4), z.literal(6)]);
const unavailable = z.object({ metric: z.string(), why: z.string() });
const count = z.number().nonnegative();
/** Nanoseconds since the start, up to 31 years. */
const elapsed = count.max(1e18);
/** Longest line that is read, bytes; a sample has some ten thousand. */
const LONGEST_LINE = 64 * 2 ** 20;

const serverRecord = z.object({
  family,
  pid: z.int().positive(),
  version: z.string(),
  executable: z.string(),
  host: z.string(),
  /** Absent in captures of earlier versions. */
  setup: setup.optional(),
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
  /** Whether the programs count the fine stages of `deep`, those around the allocation, or none. */
  stages: z.enum(["none", "coarse", "fine"]),
  forecast_us_per_exchange: z.number(),
  not_available: z.array(unavailable),
});

const header = z.object({
  type: z.literal("capture"),
  version: z.literal(2),
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

const hostSample = z.object({
  /** All CPUs together. */
  steal_seconds: count.nullable(),
  /** Periods in which the server's control group had used up its quota. */
  throttled_periods: count.nullable(),
  /** Seconds in which some tasks of the host waited for a resource, and in which all did. */
  pressure: z.record(z.string(), z.object({ some: count, full: count })),
});

const costSample = z.object({
  bpf_seconds: count,
  hits: count,
  monitor_cpu_seconds: count,
  monitor_memory_bytes: count,
});

/** Most of a capture: checked in one go. */
const rows = z.custom<Row[]>(
  (value) => Array.isArray(value) && value.every((row) => Array.isArray(row) && row.every(isPart)),
  "expected rows of numbers and texts",
);

function isPart(value: unknown): boolean {
  return typeof value === "number" || typeof value === "string";
}

const byType = z.record(z.string().regex(/^\d+$/), z.int().nonnegative());

const sample = z.object({
  type: z.literal("sample"),
  segment: z.int().nonnegative(),
  /** Monotonic nanoseconds since the start of the capture. */
  elapsed_ns: elapsed,
  /**
   * What was counted since the previous sample, by map of the programs; empty in the first sample of a
   * segment. A row has a key's parts, the number of events and, for times (ns) and bytes, their sum.
   */
  maps: z.record(z.string(), rows),
  /** Requests that expect an answer, by number of their type: see `Unanswered`. */
  requests: z.object({ unanswered: byType, late: byType, pending: byType }),
  /** Readable names for the rows: all of them, if there are new ones. */
  names: z.object({
    exceptions: z.record(z.string(), z.string()),
    callouts: z.array(
      z.object({ hook_point: z.string(), library: z.string(), callout: z.string() }),
    ).readonly(),
    hook_points: z.record(z.string(), z.string()),
  }).optional(),
  process: processSample.nullable(),
  sockets: z.array(socketSample),
  /** Absent in captures of earlier versions. */
  host: hostSample.optional(),
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

const note = z.object({
  type: z.literal("note"),
  elapsed_ns: elapsed,
  reason: z.string(),
  /** It is over: nothing is missed from now on. Without it, it lasts as long as these probes are attached. */
  is_past: z.literal(true).exactOptional(),
});

const traffic = z.object({
  type: z.literal("traffic"),
  elapsed_ns: elapsed,
  /** Packets of the client that this run started, and how long it sent. */
  client: z.object({
    engine: z.string(),
    sent: count,
    received: count,
    /** Of those, the ones without the address or prefix that the client expected; absent for none. */
    rejected: count.optional(),
    dropped: count,
    seconds: count,
  }).nullable(),
  /** The increase of Kea's own counters during the run; null if Kea was not asked. */
  statistics: z.record(z.string(), count).nullable(),
});

const slow = z.object({
  type: z.literal("slow"),
  /** When it was answered. */
  elapsed_ns: elapsed,
  message: z.int().nonnegative(),
  answer: z.int().nonnegative(),
  time_ns: count,
  /** Transaction id, hexadecimal; hashed with --redact. */
  transaction: z.string(),
  /** Hardware address, or the last 16 bytes of the DUID; hashed with --redact. */
  client: z.string(),
  /** Nanoseconds by stage. */
  stages: z.record(z.string(), count),
  /**
   * Nanoseconds by cause since its thread began with the packet: with the stage `queue` they are its whole
   * time. Absent if they were not measured.
   */
  waits: z.record(z.string(), count).optional(),
});

const end = z.object({
  type: z.literal("end"),
  /** Until when the server was, or should have been, watched. */
  elapsed_ns: elapsed,
  ended: z.iso.datetime(),
  verdict: z.enum(["COMPLETE", "PARTIAL"]),
  reasons: z.array(z.string()),
  not_available: z.array(unavailable),
});

const record = z.discriminatedUnion("type", [header, sample, segment, note, traffic, slow, end]);

/** Any line of a capture. */
export type CaptureRecord = z.infer<typeof record>;
/** The first line: server, options and plan. */
export type CaptureHeader = z.infer<typeof header>;
/** The counts since the previous sample, and the server's state. */
export type Sample = z.infer<typeof sample>;
/** What clients sent, and Kea's own counters. */
export type Traffic = z.infer<typeof traffic>;
/** A packet that took longer than the run's threshold. */
export type SlowPacket = z.infer<typeof slow>;
/** CPU (cumulative seconds by thread), memory in bytes, page faults of the server. */
export type ProcessSample = z.infer<typeof processSample>;
/** Packets that the kernel dropped at one socket since it was opened. */
export type SocketSample = z.infer<typeof socketSample>;
/** What the host did to the server since it was started: cumulative. */
export type HostSample = z.infer<typeof hostSample>;
/** Monitoring overhead so far. */
export type CostSample = z.infer<typeof costSample>;
/** A server, as stored in a capture. */
export type ServerRecord = z.infer<typeof serverRecord>;
/** A probe plan, as stored in a capture. */
export type PlanRecord = z.infer<typeof planRecord>;

/** A capture cannot be read. */
export class CaptureError extends Error {
  override name = "CaptureError";
}

/**
 * Reads a capture as a stream. An incomplete last line, from a run that was cut off, is left out; such a
 * capture has no "end" record.
 *
 * @throws {CaptureError} for a complete line that is not a record, with its number.
 */
export async function* readCapture(
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<CaptureRecord> {
  let number = 0;
  let isFirst = true;
  try {
    for await (const { text, isWhole } of linesOf(bytes, LONGEST_LINE)) {
      number++;
      if (text === "" || !isWhole) continue;
      yield parseRecord(text, number, isFirst);
      isFirst = false;
    }
  } catch (error) {
    if (!(error instanceof LongLineError)) throw error;
    throw new CaptureError(`Cannot read line ${number + 1} of the capture: it has over 64 MiB`);
  }
  if (isFirst) throw new CaptureError("Cannot read the capture: it has no complete line");
}

/**
 * Parses one line.
 *
 * @param number its number, from 1, for the error.
 * @param isFirst whether it should be the header; elsewhere a header begins another capture.
 * @throws {CaptureError} when it is not a record of capture version 2.
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
  if (version !== 2) {
    throw new CaptureError(`Cannot read a capture of version ${version}: expected version 2`);
  }
}
