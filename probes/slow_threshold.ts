/**
 * The threshold for slow packets on a server, measured before the run.
 *
 * @module
 */

import type { Server } from "../discovery/types.ts";
import type { HistogramSeries, Series } from "../metrics/document.ts";
import { DocumentBuilder } from "../metrics/document_builder.ts";
import { quantile } from "../metrics/histogram.ts";
import { watch, type WatchOptions } from "./watch.ts";

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
  /** How many packets it rests on. */
  readonly packets: number;
}

/** Measures with the cheapest profile what is slow on a server. */
export async function learnThreshold(
  { say, ...options }: Pick<
    WatchOptions,
    "server" | "bpftrace" | "signal" | "say" | "restartGraceMs" | "preparation"
  >,
): Promise<Learned> {
  const { server, signal } = options;
  say(`Measuring what is slow here, for at most ${LOOK_SECONDS} s`);
  const enough = new AbortController();
  const windows = new DocumentBuilder();
  let packets = 0;
  let pid = server.pid;
  for await (
    const record of watch({
      ...options,
      profile: "light",
      intervalMs: 1000,
      durationMs: LOOK_SECONDS * 1000,
      signal: AbortSignal.any([signal, enough.signal]),
      say: () => {},
    })
  ) {
    const window = windows.next(record);
    if (window !== null) {
      packets += bucketsOf(window.series).reduce((sum, { count }) => sum + count, 0);
    }
    if (packets >= ENOUGH) enough.abort();
    if (record.type === "segment") pid = record.server.pid;
  }
  const newest = pid === server.pid ? server : await options.preparation.describe(pid);
  const buckets = bucketsOf(windows.document().totals);
  if (buckets.length === 0) {
    say(`Slow packets take over ${UNKNOWN_NS / 1e6} ms: the default, no packet was answered`);
    return { thresholdNs: UNKNOWN_NS, server: newest, packets };
  }
  const threshold = quantile(buckets, SHARE).upper;
  say(`Slow packets take over ${(threshold / 1e6).toFixed(2)} ms: the p99.9 of ${packets} packets`);
  return { thresholdNs: threshold, server: newest, packets };
}

/** All answered packets as one histogram, shortest first. */
function bucketsOf(series: readonly Series[]): HistogramSeries["buckets"] {
  return series.filter((each): each is HistogramSeries =>
    each.metric === "packet_processing_time" && each.kind === "histogram"
  ).flatMap(({ buckets }) => buckets).toSorted((a, b) => a.upper - b.upper);
}
