/**
 * The metrics document of the last minutes of a server.
 *
 * @module
 */

import type { Cost, MetricsDocument, Series, Window } from "../../metrics/document.ts";
import { silentMetrics } from "../../metrics/document_builder.ts";
import { ledgerOf } from "../../metrics/ledger.ts";
import { Overview } from "../../metrics/overview.ts";
import { gauges, trafficOf } from "../../viz/series.ts";
import type { HistoryNote, ServerHistory } from "./server_history.ts";
import { costOf, type StoredWindow, textOf } from "./stored_windows.ts";

/** A gap between windows that is no rounding, milliseconds. */
const LEAST_GAP_MS = 2;

/** A document without what is computed from the series of its windows. */
export type DocumentHead = Omit<MetricsDocument, "windows" | "totals" | "ledger">;

/** The last minutes of a server. */
export interface LastMinutes {
  readonly head: DocumentHead;
  readonly windows: readonly StoredWindow[];
  /** Requests without an answer at the end. */
  readonly pending: number;
}

/** The last minutes of a server, up to now. */
export function lastMinutes(server: ServerHistory, minutes: number, now = Date.now()): LastMinutes {
  const since = now - 60_000 * minutes;
  const windows = server.windows.since(since);
  return { head: headOf(server, windows, since), windows, pending: server.pending };
}

/** The last hour of a server, up to now: what the page shows. */
export function lastHour(server: ServerHistory): LastMinutes {
  return lastMinutes(server, 60);
}

/**
 * The document as JSON, piece by piece: an hour of windows does not have to be in memory.
 */
export function* documentText({ head, windows, pending }: LastMinutes): Generator<string> {
  const { schema, server, capture, slow } = head;
  yield `{"schema":${JSON.stringify(schema)},"server":${JSON.stringify(server)},"windows":[`;
  const all = new Overview(1);
  for (const [at, window] of windows.entries()) {
    const text = textOf(window);
    all.add(JSON.parse(text) as Window);
    yield `${at === 0 ? "" : ",\n"}${text}`;
  }
  const totals = all.windows()[0]?.series ?? [];
  const rest = completed(
    { schema, server, capture, ...slow === undefined ? {} : { slow } },
    totals,
    pending,
  );
  yield `],"totals":${JSON.stringify(totals)}`;
  for (const name of ["capture", "ledger", "slow"] as const) {
    if (rest[name] !== undefined) yield `,${JSON.stringify(name)}:${JSON.stringify(rest[name])}`;
  }
  yield "}\n";
}

/** What follows from the totals: which metrics are silent, the cost per packet, the ledger. */
export function completed(
  head: DocumentHead,
  totals: readonly Series[],
  pending: number,
): Omit<MetricsDocument, "windows" | "totals"> {
  const { capture } = head;
  const notWatchedSeconds = capture.watched_seconds === undefined
    ? 0
    : capture.duration_seconds! - capture.watched_seconds;
  const ledger = ledgerOf(totals, null, { notWatchedSeconds, pending });
  const packets = trafficOf(totals, "packets", "received");
  const omitted = totals.find(({ metric }) => metric === "slow_packets_omitted");
  const cpu = gauges(totals, "cpu_usage", "ratio")
    .filter(({ labels }) => labels["thread"] === "all")
    .reduce((sum, { mean }) => sum + mean, 0);
  const seconds = capture.watched_seconds ?? capture.duration_seconds ?? 0;
  return {
    ...head,
    capture: {
      ...capture,
      not_available: [
        ...capture.not_available,
        ...silentMetrics(totals, capture.not_available),
      ],
      cost: capture.cost === null ? null : perPacket(capture.cost, packets, cpu * seconds),
    },
    ...ledger === null ? {} : { ledger },
    ...head.slow === undefined || omitted?.kind !== "counter" ? {} : {
      slow: { ...head.slow, omitted: head.slow.omitted + Number(omitted.value) },
    },
  };
}

function perPacket(cost: Cost, packets: number, serverCpu: number): Cost {
  const each = (amount: number) => packets === 0 ? null : amount / packets;
  return {
    ...cost,
    bpf_us_per_packet: each(1e6 * cost.bpf_seconds),
    hits_per_packet: each(cost.hits),
    server_cpu_us_per_packet: each(1e6 * serverCpu),
  };
}

function headOf(
  server: ServerHistory,
  windows: readonly StoredWindow[],
  since: number,
): DocumentHead {
  const { header, notes, notAvailable } = server;
  const [first, last] = [windows[0], windows.at(-1)];
  const duration = first === undefined ? 0 : (last!.end - first.start) / 1000;
  const watched = windows.reduce((sum, { numbers }) => sum + numbers.seconds, 0);
  const hasGap = windows.some(({ start }, at) =>
    at > 0 && start - windows[at - 1]!.end > LEAST_GAP_MS
  );
  const reasons = reasonsOf(server, notes, since, hasGap ? duration - watched : 0, windows.length);
  const slow = server.slow.filter(({ time }) => Date.parse(time) > since);
  return {
    schema: "kea-metrics/1",
    server: header === null ? {} : { ...header.server },
    capture: {
      profile: header?.profile ?? null,
      started: first === undefined ? header?.started ?? null : iso(first.start),
      ended: last === undefined ? header?.started ?? null : iso(last.end),
      duration_seconds: duration,
      ...hasGap ? { watched_seconds: watched } : {},
      interval_seconds: header?.interval_seconds ?? null,
      verdict: reasons.length === 0 ? "COMPLETE" : "PARTIAL",
      reasons,
      not_available: [...notAvailable],
      cost: costIn(windows),
    },
    ...header?.slow_ns === undefined ? {} : {
      slow: {
        threshold_ns: header.slow_ns,
        packets: slow.toSorted((a, b) => b.duration_ns - a.duration_ns),
        omitted: server.slowOmittedSince(since),
      },
    },
  };
}

function reasonsOf(
  server: ServerHistory,
  notes: readonly HistoryNote[],
  since: number,
  notWatched: number,
  windows: number,
): string[] {
  const found = notes.filter(({ until }) => until === null || until > since)
    .map(({ reason }) => reason);
  const late = server.isLate() && `No reading since ${iso(server.lastReading!).slice(11, 19)} UTC`;
  const state = {
    watched: null,
    starting: "The probes are being attached",
    unwatched: "The server is not watched now",
    gone: "The server has ended",
  }[server.state];
  return [
    ...new Set([
      ...found,
      ...notWatched > 0 ? [`${notWatched.toFixed(1)} s were not watched`] : [],
      ...late === false ? [] : [late],
      ...state === null ? [] : [state],
      ...windows === 0 ? ["Nothing was watched in that time"] : [],
    ]),
  ];
}

function costIn(windows: readonly StoredWindow[]): Cost | null {
  const { bpfSeconds, hits, monitorCpuSeconds, monitorMemoryBytes, seconds } = costOf(
    windows.map(({ cost }) => cost),
  );
  if (seconds === 0) return null;
  return {
    bpf_seconds: bpfSeconds,
    hits,
    bpf_us_per_packet: null,
    hits_per_packet: null,
    server_cpu_us_per_packet: null,
    monitor_cpu_ratio: monitorCpuSeconds / seconds,
    monitor_memory_bytes: monitorMemoryBytes,
  };
}

const iso = (milliseconds: number) => new Date(milliseconds).toISOString();
