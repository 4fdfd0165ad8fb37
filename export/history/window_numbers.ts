/**
 * The few numbers of a window that are seen at a glance.
 *
 * @module
 */

import type { HistogramSeries, Series, Window } from "../../metrics/document.ts";
import { type Bucket, quantile } from "../../metrics/histogram.ts";
import { errorsOf, gauges, histograms, secondsOf, trafficOf } from "../../viz/series.ts";

/** Numbers of one window. */
export interface WindowNumbers {
  /** How long it was watched. */
  readonly seconds: number;
  /** Packets that the server read, and answers that it sent to them. */
  readonly received: number;
  readonly answered: number;
  /** Requests that got no answer, and packets that the kernel dropped before the server. */
  readonly unanswered: number;
  readonly dropped: number;
  /** Percentiles of processing time, nanoseconds; null if nothing was answered. */
  readonly p50: number | null;
  readonly p99: number | null;
  /** Cores that the server used, 1 is one core; null if not known. */
  readonly cpu: number | null;
  /** Resident memory, bytes; null if not known. */
  readonly memory: number | null;
}

/** The numbers of a window. */
export function numbersOf(window: Window): WindowNumbers {
  const { series } = window;
  const times = histograms(series, "packet_processing_time");
  const buckets = joined(times);
  return {
    seconds: secondsOf(window),
    received: trafficOf(series, "packets", "received"),
    answered: times.reduce((sum, { count }) => sum + count, 0),
    unanswered: errorsOf(series, "unanswered"),
    dropped: errorsOf(series, "kernel_drop"),
    p50: buckets.length === 0 ? null : quantile(buckets, 0.5).value,
    p99: buckets.length === 0 ? null : quantile(buckets, 0.99).value,
    cpu: cpuIn(series),
    memory: gauges(series, "memory_usage", "bytes").find(({ labels }) => labels["kind"] === "rss")
      ?.value ?? null,
  };
}

function cpuIn(series: readonly Series[]): number | null {
  const all = gauges(series, "cpu_usage", "ratio").filter(({ labels }) =>
    labels["thread"] === "all"
  );
  return all.length === 0 ? null : all.reduce((sum, { mean }) => sum + mean, 0);
}

/** All messages as one histogram. */
function joined(times: readonly HistogramSeries[]): Bucket[] {
  const counts = new Map<number, Bucket>();
  for (const { buckets } of times) {
    for (const { lower, upper, count } of buckets) {
      counts.set(lower, { lower, upper, count: count + (counts.get(lower)?.count ?? 0) });
    }
  }
  return [...counts.values()].sort((a, b) => a.lower - b.lower);
}
