/**
 * What each map of the programs means: from differences of readings to series.
 *
 * @module
 */

import { messageName } from "./messages.ts";
import type { SeriesBook, SeriesName } from "./series_book.ts";

/** What the keys of maps need to become words. */
export interface Dictionary {
  readonly family: 4 | 6;
  /** The lease manager's operations by number. */
  readonly operations: readonly string[];
  /** Readable names of exception types by mangled name. */
  readonly names: Readonly<Record<string, string>>;
}

/** Adds the difference of one key of one map, modulo 2^64, to a book. */
type Decoder = (
  book: SeriesBook,
  key: readonly string[],
  difference: bigint,
  words: Dictionary,
) => void;

/** Severities of Kea's log, by the numbers that our programs give. */
const SEVERITIES = ["", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

const SOCKETS = ["", "raw", "udp"];

/**
 * Time maps hold count << 44 | sum of nanoseconds. Within a window neither overflows: the sum is
 * the mean number of packets under way times the window's length (Little's law), and 2^44 ns are
 * 17,592 s; so with 10 s windows up to 1,700 packets may be under way.
 */
const TIME_BITS = 44n;

/** Traffic maps hold count << 40 | sum of bytes: 16 million packets and 1 TiB a window. */
const BYTE_BITS = 40n;

const split = (value: bigint, bits: bigint) => ({
  count: Number(value >> bits),
  sum: value & ((1n << bits) - 1n),
});

const time = (
  nameOf: (key: readonly string[], words: Dictionary) => Omit<SeriesName, "unit">,
): Decoder =>
(book, key, difference, words) => {
  const { count, sum } = split(difference, TIME_BITS);
  book.addToBucket({ ...nameOf(key, words), unit: "ns" }, Number(key.at(-1)), count, sum);
};

const traffic = (direction: "received" | "sent"): Decoder => (book, [socket], difference) => {
  const { count, sum } = split(difference, BYTE_BITS);
  const labels = { direction, socket: SOCKETS[Number(socket)] ?? "unknown" };
  book.add({ metric: "network_traffic", labels, unit: "packets" }, count);
  book.add({ metric: "network_traffic", labels, unit: "bytes" }, Number(sum));
};

const errors = (
  labelsOf: (key: readonly string[], words: Dictionary) => Readonly<Record<string, string>>,
): Decoder =>
(book, key, difference, words) =>
  book.add(
    { metric: "error_rate", labels: labelsOf(key, words), unit: "events" },
    Number(difference),
  );

const message = (type: string | undefined, { family }: Dictionary) =>
  messageName(family, Number(type));

const stage = (name: string): Decoder =>
  time(([type], words) => ({
    metric: "packet_stage_time",
    labels: { message: message(type, words), stage: name },
  }));

const allocation = time(([type], words) => ({
  metric: "lease_allocation_time",
  labels: { message: message(type, words) },
}));

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
  "@unmatched": errors(([answer], words) => ({
    kind: "unmatched_answer",
    id: message(answer, words),
  })),
  "@not_dhcp": errors(([socket]) => ({ kind: "not_dhcp", id: SOCKETS[Number(socket)] ?? "" })),
  "@allocation": (book, key, difference, words) => {
    allocation(book, key, difference, words);
    // Without an answer it is no stage of a packet's time.
    if (key[0] !== "0") stage("allocate")(book, key, difference, words);
  },
  "@allocation_unfinished": errors(() => ({ kind: "allocation_unfinished", id: "exception" })),
  "@before": stage("before"),
  "@after": stage("after"),
  "@lease_file_write": time(() => ({
    metric: "database_query_time",
    labels: { backend: "memfile", statement: "lease_file_write" },
  })),
  "@lease_file_write_failed": errors(() => ({ kind: "lease_file_write_failed", id: "write" })),
  "@lease_manager": time(([operation], { operations }) => ({
    metric: "database_query_time",
    labels: {
      backend: "memfile",
      statement: operations[Number(operation)] ?? `operation-${operation}`,
    },
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

/**
 * Adds what changed in one map to a book. Maps that are not public are passed over.
 *
 * @param key as bpftrace prints it, comma-joined; "" for a map without keys.
 * @param difference of two readings, modulo 2^64; nothing is added for 0.
 */
export function decode(
  book: SeriesBook,
  map: string,
  key: string,
  difference: bigint,
  words: Dictionary,
): void {
  const decoder = DECODERS[map];
  if (decoder === undefined || difference === 0n) return;
  decoder(book, keyParts(map, key), difference, words);
}

/**
 * Adds up the events of a map by message type: of `@received` or `@processing`.
 *
 * @param differences of its keys between two readings, modulo 2^64.
 */
export function countsByMessage(
  map: "@received" | "@processing",
  differences: Iterable<readonly [key: string, difference: bigint]>,
): Map<number, number> {
  const [part, bits] = map === "@received" ? [1, BYTE_BITS] : [0, TIME_BITS];
  const counts = new Map<number, number>();
  for (const [key, difference] of differences) {
    const type = Number(keyParts(map, key)[part]);
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
