/**
 * The maps of the programs: how their values are packed, and which series they become.
 *
 * @module
 */

import { bucketOf } from "./histogram.ts";
import { messageName } from "./messages.ts";
import type { MetricName } from "./metric_names.ts";
import type { OwnSeriesName, SeriesBook } from "./series_book.ts";
import type { Stage } from "./stages.ts";
import type { TimeUnit } from "./time_units.ts";
import { CAUSES } from "./waits.ts";

/** A part of a key: a number, or a text such as a statement's name. */
export type KeyPart = number | string;

/** A key's counts: its parts, the number of events and, for times and bytes, their sum. */
export type Row = readonly KeyPart[];

/** Everything that turns keys of maps into words. */
export interface Dictionary {
  readonly family: 4 | 6;
  /** Whether stages have their own map: then an allocation is not one of them. */
  readonly hasFineStages: boolean;
  /** The lease manager's operations by number. */
  readonly operations: readonly string[];
  readonly names: Names;
}

/** Readable names for keys. */
export interface Names {
  /** Exception types by mangled name. */
  readonly exceptions: Readonly<Record<string, string>>;
  /** Callouts by their number. */
  readonly callouts: readonly CalloutName[];
  /** Hook points by Kea's number. */
  readonly hook_points: Readonly<Record<string, string>>;
}

/** A callout: its hook point, library and name. */
export interface CalloutName {
  readonly hook_point: string;
  readonly library: string;
  readonly callout: string;
}

/** No names. */
export const NO_NAMES: Names = { exceptions: {}, callouts: [], hook_points: {} };

/** Adds the counts of a row to a book. */
export type Adding = (book: SeriesBook, row: Row, count: number, sum: number) => void;

interface CountedMap {
  /** The form of its values: `count << 44 | time`, `count << 40 | bytes`, or only a count. */
  readonly values: "times" | "bytes" | "events";
  /** How many parts of its keys come before a text, which may contain commas; default: all are numbers. */
  readonly partsBeforeText?: number;
  readonly adding: (key: readonly KeyPart[], words: Dictionary) => Adding;
}

/**
 * Bits of the sum in a value. Within a window neither part overflows: a sum of times is the mean number of
 * packets in progress times the window's length (Little's law), and 2^44 ns are 17,592 s, so with 10 s
 * windows up to 1,700 packets may be in progress; 40 bits are 16 million packets and 1 TiB.
 */
const SUM_BITS = { times: 44n, bytes: 40n, events: 0n } as const;

/** How many parts of a row follow its key: bucket, count and sum; count and sum; or the count. */
const COUNTING_PARTS = { times: 3, bytes: 2, events: 1 } as const;

const LAST_BUCKET = bucketOf(2 ** 63);

/** Severities of Kea's log, by the programs' numbers. */
const SEVERITIES = ["", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

const SOCKETS = ["", "raw", "udp"];

/** Stages by their numbers in `@stage`. */
export const STAGE_NUMBERS: readonly (Stage | "")[] = [
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

/** Results of libpq, by its numbers (ExecStatusType). */
const POSTGRESQL_STATUS: Readonly<Record<number, string>> = {
  0: "EMPTY_QUERY",
  5: "BAD_RESPONSE",
  6: "NONFATAL_ERROR",
  7: "FATAL_ERROR",
  11: "PIPELINE_ABORTED",
};

/** Kea's next step after a callout, by Kea's numbers (CalloutHandle::CalloutNextStep). */
const NEXT_STEPS = ["continue", "skip", "drop", "park"];

type Named = Omit<OwnSeriesName, "unit">;

function times(
  nameOf: (key: readonly KeyPart[], words: Dictionary) => Named,
  unitOf: (words: Dictionary) => TimeUnit = () => "ns",
): CountedMap {
  return {
    values: "times",
    adding: (key, words) => {
      const name = { ...nameOf(key, words), unit: unitOf(words) };
      return (book, row, count, sum) => {
        const bucket = row.at(-3);
        if (!isWhole(bucket) || bucket > LAST_BUCKET) {
          throw new RangeError(`the row ${JSON.stringify(row)} of a map of times names no bucket`);
        }
        if (count > 0) book.addToBucket(name, bucket, count, sum);
      };
    },
  };
}

function traffic(direction: "received" | "sent"): CountedMap {
  return {
    values: "bytes",
    adding: ([socket]) => {
      const labels = { direction, socket: SOCKETS[Number(socket)] ?? "unknown" };
      const packets: OwnSeriesName = { metric: "network_traffic", labels, unit: "packets" };
      const bytes: OwnSeriesName = { metric: "network_traffic", labels, unit: "bytes" };
      return (book, _, count, sum) => {
        book.add(packets, count);
        book.add(bytes, sum);
      };
    },
  };
}

function events(
  nameOf: (key: readonly KeyPart[], words: Dictionary) => OwnSeriesName,
  partsBeforeText?: number,
): CountedMap {
  return {
    values: "events",
    ...(partsBeforeText === undefined ? {} : { partsBeforeText }),
    adding: (key, words) => {
      const name = nameOf(key, words);
      return (book, _, count) => book.add(name, count);
    },
  };
}

function errors(
  labelsOf: (key: readonly KeyPart[], words: Dictionary) => Readonly<Record<string, string>>,
  partsBeforeText?: number,
): CountedMap {
  return events((key, words) => errorSeries(labelsOf(key, words)), partsBeforeText);
}

/** Requests of those that send most, by name; 1 for a count that is a lower bound. */
function busiest(who: "client" | "relay", metric: MetricName): CountedMap {
  return events(([name, isBound]) => ({
    metric,
    labels: { [who]: String(name), count: isBound === 1 ? "at least" : "exact" },
    unit: "packets",
  }));
}

/** A series of errors. */
export function errorSeries(labels: Readonly<Record<string, string>>): OwnSeriesName {
  return { metric: "error_rate", labels, unit: "events" };
}

const message = (type: KeyPart | undefined, { family }: Dictionary) =>
  messageName(family, Number(type));

const stage = (name: Stage): CountedMap =>
  times(([type], words) => ({
    metric: "packet_stage_time",
    labels: { message: message(type, words), stage: name },
  }));

const allocation = times(([type], words) => ({
  metric: "lease_allocation_time",
  labels: { message: message(type, words) },
}));

const UNKNOWN: CalloutName = { hook_point: "unknown", library: "unknown", callout: "unknown" };

const callout = (number: KeyPart | undefined, { names }: Dictionary) => ({
  ...names.callouts[Number(number)] ?? UNKNOWN,
});

const query = (backend: string, statement: KeyPart | undefined): Named => ({
  metric: "database_query_time",
  labels: { backend, statement: String(statement) },
});

const log = errors(([severity, id]) => ({
  kind: "log",
  severity: SEVERITIES[Number(severity)] ?? "unknown",
  id: String(id),
}), 1);

/** The maps that a capture keeps. */
const MAPS: Readonly<Record<string, CountedMap>> = {
  "@received": traffic("received"),
  "@sent": traffic("sent"),
  "@processing": times(([type, answer], words) => ({
    metric: "packet_processing_time",
    labels: { message: message(type, words), answer: message(answer, words) },
  })),
  "@socket_wait": times(([type], words) => ({
    metric: "packet_socket_wait",
    labels: { message: message(type, words) },
  })),
  "@client_waiting": times(
    ([type], words) => ({
      metric: "client_waiting_time",
      labels: { message: message(type, words) },
    }),
    ({ family }) => family === 4 ? "s" : "cs",
  ),
  "@retransmissions": events(([type], words) => ({
    metric: "retransmissions",
    labels: { message: message(type, words) },
    unit: "packets",
  })),
  "@clients": busiest("client", "client_requests"),
  "@relays": busiest("relay", "relay_requests"),
  "@relays_again": busiest("relay", "relay_retransmissions"),
  "@relay_time": times(([relay]) => ({
    metric: "relay_processing_time",
    labels: { relay: String(relay) },
  })),
  "@interface_time": times(([name]) => ({
    metric: "interface_processing_time",
    labels: { interface: String(name) },
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
  "@allocation": {
    values: "times",
    adding: (key, words) => {
      const whole = allocation.adding(key, words);
      // Without an answer it is not a stage of a packet's time.
      if (key[0] === 0 || words.hasFineStages) return whole;
      const part = stage("allocate").adding(key, words);
      return (book, row, count, sum) => {
        whole(book, row, count, sum);
        part(book, row, count, sum);
      };
    },
  },
  "@allocation_unfinished": errors(() => ({ kind: "allocation_unfinished", id: "exception" })),
  "@stage": times(([type, number], words) => ({
    metric: "packet_stage_time",
    labels: { message: message(type, words), stage: STAGE_NUMBERS[Number(number)] ?? "unknown" },
  })),
  "@wait": times(([type, number], words) => ({
    metric: "packet_wait_time",
    labels: { message: message(type, words), cause: CAUSES[Number(number)] ?? "unknown" },
  })),
  "@before": stage("before"),
  "@after": stage("after"),
  "@lease_file_write": times(() => query("memfile", "lease_file_write")),
  "@lease_file_write_failed": errors(() => ({ kind: "lease_file_write_failed", id: "write" })),
  "@lease_file_cleanup": times(() => query("memfile", "lease_file_cleanup")),
  // As wait() returns it: the exit status in the second byte, a signal in the first.
  "@lease_file_cleanup_failed": errors(([status]) => ({
    kind: "lease_file_cleanup_failed",
    id: Number(status) >= 256 ? `status ${Number(status) >> 8}` : `signal ${Number(status) & 127}`,
  })),
  "@lease_manager": times(([operation], { operations }) =>
    query("memfile", operations[Number(operation)] ?? `operation-${operation}`)
  ),
  "@callouts": times(([number], words) => ({
    metric: "hook_callout_time",
    labels: callout(number, words),
  })),
  "@callout_steps": events(([number, step], words) => ({
    metric: "hook_next_step",
    labels: { ...callout(number, words), next_step: NEXT_STEPS[Number(step)] ?? "unknown" },
    unit: "events",
  })),
  "@slow_left_out": events(() => ({
    metric: "slow_packets_omitted",
    labels: {},
    unit: "packets",
  })),
  "@callouts_unfinished": errors(() => ({ kind: "callout_unfinished", id: "exception" })),
  "@parked_time": times(([hook], { names }) => ({
    metric: "packet_parked_time",
    labels: { hook_point: names.hook_points[String(hook)] ?? "unknown" },
  })),
  "@partner_time": times(([direction, command]) => ({
    metric: "partner_request_time",
    labels: {
      direction: ["", "sent", "received"][Number(direction)] ?? "unknown",
      command: ["other", "lease_update", "heartbeat"][Number(command)] ?? "unknown",
    },
  })),
  "@postgresql": times(([statement]) => query("postgresql", statement)),
  "@mariadb": times(([statement]) => query("mariadb", statement)),
  "@mariadb_failed": errors(([statement]) => ({
    kind: "database",
    id: `mariadb ${statement}: failed`,
  })),
  "@postgresql_rows": events(([statement]) => ({
    metric: "database_rows",
    labels: { backend: "postgresql", statement: String(statement) },
    unit: "rows",
  })),
  "@postgresql_failed": errors(([statement, status]) => ({
    kind: "database",
    id: `postgresql ${statement}: ${POSTGRESQL_STATUS[Number(status)] ?? "no result"}`,
  })),
  "@exceptions": errors(([type], { names }) => ({
    kind: "exception",
    id: Object.hasOwn(names.exceptions, String(type))
      ? names.exceptions[String(type)]!
      : String(type),
  }), 0),
  "@log": log,
  "@log_information": log,
  "@statistics": errors(([name]) => ({ kind: "statistic", id: String(name) }), 0),
};

/** The names of all maps that a capture keeps. */
export const COUNTED_MAPS: readonly string[] = Object.keys(MAPS);

/** Whether a capture keeps a map. */
export function isCounted(name: string): boolean {
  return Object.hasOwn(MAPS, name);
}

/**
 * The counts of a key between two readings, as a row of a capture; null for nothing.
 *
 * @param key as bpftrace prints it, comma-joined; "" for a map without keys.
 * @param difference of the two values, modulo 2^64.
 */
export function rowOf(map: string, key: string, difference: bigint): Row | null {
  const { values } = MAPS[map]!;
  const bits = SUM_BITS[values];
  const counted = BigInt.asUintN(64, difference);
  if (counted === 0n) return null;
  const count = Number(counted >> bits);
  const sum = values === "events" ? [] : [Number(BigInt.asUintN(Number(bits), counted))];
  return [...keyParts(map, key), count, ...sum];
}

/**
 * How the rows of a key become series; null for an unknown map.
 *
 * @throws {RangeError} when our programs have no such key.
 */
export function addingOf(map: string, row: Row, words: Dictionary): Adding | null {
  return isCounted(map) ? MAPS[map]!.adding(row.slice(0, keyLength(map, row)), words) : null;
}

/** How many events a row counts, and their sum: of nanoseconds, of bytes, or 0. */
export function countsOf(map: string, row: Row): { readonly count: number; readonly sum: number } {
  const hasSum = isCounted(map) && MAPS[map]!.values !== "events";
  const [count, sum] = hasSum ? [row.at(-2), row.at(-1)] : [row.at(-1), 0];
  if (!isWhole(count) || !isWhole(sum)) {
    throw new RangeError(
      `the row ${JSON.stringify(row)} of ${map} does not end with what it counts`,
    );
  }
  return { count, sum };
}

/** How many parts of a row identify its series: those before its counts. */
export function keyLength(map: string, row: Row): number {
  return row.length - (isCounted(map) ? COUNTING_PARTS[MAPS[map]!.values] : 1);
}

function keyParts(map: string, key: string): KeyPart[] {
  const parts = key === "" ? [] : key.split(",");
  const before = MAPS[map]!.partsBeforeText;
  if (before === undefined) return parts.map(numberOrText);
  return [...parts.slice(0, before).map(numberOrText), parts.slice(before).join(",")];
}

function numberOrText(part: string): KeyPart {
  return /^-?\d{1,15}$/.test(part) ? Number(part) : part;
}

function isWhole(value: KeyPart | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
