/**
 * The threshold for slow packets on a server, measured before the run.
 *
 * @module
 */

import { describeServer } from "../../discovery/servers.ts";
import type { Server } from "../../discovery/types.ts";
import type { HistogramSeries, Series } from "../../metrics/document.ts";
import { DocumentBuilder } from "../../metrics/document_builder.ts";
import type { Bpftrace } from "../../probes/bpftrace.ts";
import { watch } from "../../probes/watch.ts";

/** Longest measurement, seconds. */
const LOOK_SECONDS = 10;

/** Packets after which it ends. */
const ENOUGH = 5000;

/** The threshold if no packet came, nanoseconds. */
const UNKNOWN_NS = 100e6;

/** The share of packets that are not slow. */
const SHARE = 0.999;

/** The result of the measurement. */
export interface Learned {
  /** The p99.9 of the server's packets, nanoseconds. */
  readonly thresholdNs: number;
  /** The server, or the one that has replaced it. */
  readonly server: Server;
}

/** Measures with the cheapest profile what is slow on a server. */
export async function learnThreshold(
  server: Server,
  bpftrace: Bpftrace,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Learned> {
  say(`Measuring what is slow here, for at most ${LOOK_SECONDS} s`);
  const enough = new AbortController();
  const windows = new DocumentBuilder();
  let packets = 0;
  let pid = server.pid;
  for await (
    const record of watch({
      server,
      profile: "light",
      bpftrace,
      intervalMs: 1000,
      durationMs: LOOK_SECONDS * 1000,
      signal: AbortSignal.any([signal, enough.signal]),
      say: () => {},
    })
  ) {
    const window = windows.next(record);
    if (window !== null) packets += answered(window.series);
    if (packets >= ENOUGH) enough.abort();
    if (record.type === "segment") pid = record.server.pid;
  }
  const newest = pid === server.pid ? server : await describeServer(pid);
  const threshold = upperQuantile(windows.document().totals, SHARE);
  if (threshold === null) {
    say(`Slow packets take over ${UNKNOWN_NS / 1e6} ms: the default, no packet was answered`);
    return { thresholdNs: UNKNOWN_NS, server: newest };
  }
  say(`Slow packets take over ${(threshold / 1e6).toFixed(2)} ms: the p99.9 of ${packets} packets`);
  return { thresholdNs: threshold, server: newest };
}

function processing(series: readonly Series[]): HistogramSeries[] {
  return series.filter((each): each is HistogramSeries =>
    each.metric === "packet_processing_time" && each.kind === "histogram"
  );
}

function answered(series: readonly Series[]): number {
  return processing(series).reduce((sum, { count }) => sum + count, 0);
}

/** The upper bound of the bucket with a quantile of all packets; null without packets. */
export function upperQuantile(totals: readonly Series[], share: number): number | null {
  const buckets = processing(totals).flatMap(({ buckets }) => buckets)
    .toSorted((a, b) => a.upper - b.upper);
  const all = buckets.reduce((sum, { count }) => sum + count, 0);
  let seen = 0;
  return buckets.find(({ count }) => (seen += count) >= share * all)?.upper ?? null;
}
