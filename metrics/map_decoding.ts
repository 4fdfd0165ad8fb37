/**
 * What each map of the programs means: from differences of readings to series.
 *
 * @module
 */

import { bucketOf } from "./histogram.ts";
import type { Change, MapKey } from "./map_changes.ts";
import { messageName } from "./messages.ts";
import type { Stage } from "./stages.ts";
import type { SeriesBook, SeriesName } from "./series_book.ts";

/** What the keys of maps need to become words. */
export interface Dictionary {
  readonly family: 4 | 6;
  /** Whether stages.bt was there. */
  readonly hasStages: boolean;
  /** The lease manager's operations by number. */
  readonly operations: readonly string[];
  /** Readable names: see the capture's samples. */
  readonly names: Readonly<Record<string, string>>;
  /** Gives one object to all that name the same series. */
  readonly series: (name: SeriesName) => SeriesName;
}

/** What a key of a map counts: adds its difference, modulo 2^64, to a book. */
export type Meaning = (book: SeriesBook, difference: number | bigint) => void;

/** Finds what a key counts, once for all its differences. */
type Decoder = (key: readonly string[], words: Dictionary) => Meaning;

/** Severities of Kea's log, by the numbers that our programs give. */
const SEVERITIES = ["", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

const SOCKETS = ["", "raw", "udp"];

/**
 * Time maps hold count << 44 | sum of nanoseconds. Within a window neither overflows: the sum is
 * the mean number of packets under way times the window's length (Little's law), and 2^44 ns are
 * 17,592 s; so with 10 s windows up to 1,700 packets may be under way.
 */
const TIME = { bits: 44n, event: 2 ** 44 };

/** Traffic maps hold count << 40 | sum of bytes: 16 million packets and 1 TiB a window. */
const BYTES = { bits: 40n, event: 2 ** 40 };

const LAST_BUCKET = bucketOf(2 ** 63);

/** Events in the upper bits, their sum in the lower ones. */
function split(
  value: number | bigint,
  { bits, event }: typeof TIME,
): { count: number; sum: number } {
  if (typeof value === "number") {
    const count = Math.floor(value / event);
    return { count, sum: value - count * event };
  }
  return { count: Number(value >> bits), sum: Number(BigInt.asUintN(Number(bits), value)) };
}

const time = (
  nameOf: (key: readonly string[], words: Dictionary) => Omit<SeriesName, "unit">,
): Decoder =>
(key, words) => {
  const name = words.series({ ...nameOf(key, words), unit: "ns" });
  const bucket = Number(key.at(-1) || NaN);
  if (!(Number.isInteger(bucket) && bucket >= 0 && bucket <= LAST_BUCKET)) {
    throw new RangeError(`the key "${key}" of a map of times names no bucket`);
  }
  return (book, difference) => {
    const { count, sum } = split(difference, TIME);
    if (count > 0) book.addToBucket(name, bucket, count, sum);
  };
};

const traffic = (direction: "received" | "sent"): Decoder => ([socket], { series }) => {
  const labels = { direction, socket: SOCKETS[Number(socket)] ?? "unknown" };
  const packets = series({ metric: "network_traffic", labels, unit: "packets" });
  const bytes = series({ metric: "network_traffic", labels, unit: "bytes" });
  return (book, difference) => {
    const { count, sum } = split(difference, BYTES);
    book.add(packets, count);
    book.add(bytes, sum);
  };
};

const errors = (
  labelsOf: (key: readonly string[], words: Dictionary) => Readonly<Record<string, string>>,
): Decoder =>
(key, words) => {
  const labels = labelsOf(key, words);
  const name = words.series({ metric: "error_rate", labels, unit: "events" });
  return (book, difference) => book.add(name, Number(difference));
};

const message = (type: string | undefined, { family }: Dictionary) =>
  messageName(family, Number(type));

/** Stages by the numbers of stages.bt. */
const STAGE_NUMBERS: readonly (Stage | "")[] = [
  "",
  "queue",
  "parse",
  "select",
  "allocate",
  "commit",
  "pack",
  "send",
  "other",
];

const stage = (name: Stage): Decoder =>
  time(([type], words) => ({
    metric: "packet_stage_time",
    labels: { message: message(type, words), stage: name },
  }));

const allocation = time(([type], words) => ({
  metric: "lease_allocation_time",
  labels: { message: message(type, words) },
}));

const callout = (number: string | undefined, { names }: Dictionary) => {
  const [hookPoint, library, name] = (names[`callout:${number}`] ?? "").split("\t");
  return {
    hook_point: hookPoint || "unknown",
    library: library || "unknown",
    callout: name || "unknown",
  };
};

/** Results of libpq, by its numbers (ExecStatusType). */
const POSTGRESQL_STATUS: Readonly<Record<number, string>> = {
  0: "EMPTY_QUERY",
  5: "BAD_RESPONSE",
  6: "NONFATAL_ERROR",
  7: "FATAL_ERROR",
  11: "PIPELINE_ABORTED",
};

const rows = (backend: string): Decoder => ([statement], { series }) => {
  const labels = { backend, statement: statement! };
  const name = series({ metric: "database_rows", labels, unit: "rows" });
  return (book, difference) => book.add(name, Number(difference));
};

/** What a callout makes Kea do next, by Kea's numbers (CalloutHandle::CalloutNextStep). */
const NEXT_STEPS = ["continue", "skip", "drop", "park"];

const log = errors(([severity, id]) => ({
  kind: "log",
  severity: SEVERITIES[Number(severity)] ?? "unknown",
  id: id ?? "",
}));

/** All public maps. */
const DECODERS: Readonly<Record<string, Decoder>> = {
  "@received": traffic("received"),
  "@sent": traffic("sent"),
  "@processing": time(([type, answer], words) => ({
    metric: "packet_processing_time",
    labels: { message: message(type, words), answer: message(answer, words) },
  })),
  "@socket_wait": time(([type], words) => ({
    metric: "packet_socket_wait",
    labels: { message: message(type, words) },
  })),
  "@unmatched": errors(([answer], words) => ({
    kind: "unmatched_answer",
    id: message(answer, words),
  })),
  "@send_refused": errors(([answer], words) => ({
    kind: "send_refused",
    id: message(answer, words),
  })),
  "@not_dhcp": errors(([socket]) => ({ kind: "not_dhcp", id: SOCKETS[Number(socket)] ?? "" })),
  "@allocation": (key, words) => {
    const whole = allocation(key, words);
    // Without an answer it is no stage of a packet's time; stages.bt counts the stage by itself.
    if (key[0] === "0" || words.hasStages) return whole;
    const part = stage("allocate")(key, words);
    return (book, difference) => {
      whole(book, difference);
      part(book, difference);
    };
  },
  "@allocation_unfinished": errors(() => ({ kind: "allocation_unfinished", id: "exception" })),
  "@stage": time(([type, number], words) => ({
    metric: "packet_stage_time",
    labels: { message: message(type, words), stage: STAGE_NUMBERS[Number(number)] ?? "unknown" },
  })),
  "@before": stage("before"),
  "@after": stage("after"),
  "@lease_file_write": time(() => ({
    metric: "database_query_time",
    labels: { backend: "memfile", statement: "lease_file_write" },
  })),
  "@lease_file_write_failed": errors(() => ({ kind: "lease_file_write_failed", id: "write" })),
  "@lease_file_cleanup": time(() => ({
    metric: "database_query_time",
    labels: { backend: "memfile", statement: "lease_file_cleanup" },
  })),
  // As wait() tells it: the exit status in the second byte, a signal in the first.
  "@lease_file_cleanup_failed": errors(([status]) => ({
    kind: "lease_file_cleanup_failed",
    id: Number(status) >= 256 ? `status ${Number(status) >> 8}` : `signal ${Number(status) & 127}`,
  })),
  "@lease_manager": time(([operation], { operations }) => ({
    metric: "database_query_time",
    labels: {
      backend: "memfile",
      statement: operations[Number(operation)] ?? `operation-${operation}`,
    },
  })),
  "@callouts": time(([number], words) => ({
    metric: "hook_callout_time",
    labels: callout(number, words),
  })),
  "@callout_steps": ([number, step], words) => {
    const labels = { ...callout(number, words), next_step: NEXT_STEPS[Number(step)] ?? "unknown" };
    const name = words.series({ metric: "hook_next_step", labels, unit: "events" });
    return (book, difference) => book.add(name, Number(difference));
  },
  "@slow_left_out": (_, { series }) => {
    const name = series({ metric: "slow_packets_left_out", labels: {}, unit: "packets" });
    return (book, difference) => book.add(name, Number(difference));
  },
  "@callouts_unfinished": errors(() => ({ kind: "callout_unfinished", id: "exception" })),
  "@parked_time": time(([hook], { names }) => ({
    metric: "packet_parked_time",
    labels: { hook_point: names[`hook:${hook}`] ?? "unknown" },
  })),
  "@postgresql": time(([statement]) => ({
    metric: "database_query_time",
    labels: { backend: "postgresql", statement: statement! },
  })),
  "@mariadb": time(([statement]) => ({
    metric: "database_query_time",
    labels: { backend: "mariadb", statement: statement! },
  })),
  "@mariadb_failed": errors(([statement]) => ({
    kind: "database",
    id: `mariadb ${statement}: failed`,
  })),
  "@postgresql_rows": rows("postgresql"),
  "@postgresql_failed": errors(([statement, status]) => ({
    kind: "database",
    id: `postgresql ${statement}: ${POSTGRESQL_STATUS[Number(status)] ?? "no result"}`,
  })),
  "@exceptions": errors(([type], { names }) => ({
    kind: "exception",
    id: Object.hasOwn(names, type!) ? names[type!]! : type!,
  })),
  "@log": log,
  "@log_information": log,
  "@statistics": errors(([name]) => ({ kind: "statistic", id: name! })),
};

/** How many parts of a key are numbers; the rest of it is one string, commas included. */
const NUMERIC_PARTS: Readonly<Record<string, number>> = {
  "@exceptions": 0,
  "@statistics": 0,
  "@log": 1,
  "@log_information": 1,
};

/** Whether a map of our programs is for others to read. */
export function isPublicMap(name: string): boolean {
  return Object.hasOwn(DECODERS, name);
}

/**
 * What a key of a map counts; null for maps that are not public.
 *
 * @param key as bpftrace prints it, comma-joined; "" for a map without keys.
 * @throws {RangeError} when no such key comes from our programs.
 */
export function meaningOf(map: string, key: string, words: Dictionary): Meaning | null {
  return isPublicMap(map) ? DECODERS[map]!(keyParts(map, key), words) : null;
}

/** Message types in the keys of those maps. */
const types = new WeakMap<MapKey, number>();

/**
 * Adds up the events of a map by message type: of `@received` or `@processing`.
 *
 * @param changes of two readings; those of other maps are passed over.
 */
export function countsByMessage(
  map: "@received" | "@processing",
  changes: Iterable<Change>,
): Map<number, number> {
  const [part, bits] = map === "@received" ? [1, BYTES] : [0, TIME];
  const counts = new Map<number, number>();
  for (const [key, difference] of changes) {
    if (key.map !== map) continue;
    let type = types.get(key);
    if (type === undefined) types.set(key, type = Number(keyParts(map, key.key)[part]));
    counts.set(type, (counts.get(type) ?? 0) + split(difference, bits).count);
  }
  return counts;
}

function keyParts(map: string, key: string): string[] {
  const numeric = NUMERIC_PARTS[map];
  const parts = key.split(",");
  if (numeric === undefined) return parts;
  return [...parts.slice(0, numeric), parts.slice(numeric).join(",")];
}
