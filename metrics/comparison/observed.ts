/**
 * What a side has of one series, window by window.
 *
 * @module
 */

import type { HistogramSeries, Series } from "../document.ts";
import { seriesKey, type SeriesName } from "../series_book.ts";
import { BlockBootstrap, blockLengthsFor } from "./block_bootstrap.ts";
import type { Side } from "./side.ts";

/** A bucket with its count in each window. */
export interface BucketCounts {
  readonly lower: number;
  readonly upper: number;
  readonly counts: Float64Array;
}

/** A series in one side. A window without it has zeros. */
export interface Observed {
  /** Events, or a counter's value, by window. */
  readonly counts: Float64Array;
  /** Sum of the times by window; null if the source has none. */
  readonly sums: Float64Array | null;
  /** Ascending. */
  readonly buckets: readonly BucketCounts[];
  readonly total: number;
}

/** A side, ready to be drawn from. */
export class Observations {
  readonly side: Side;
  /** With short and with long blocks; always drawn in the same way: the same files give the same words. */
  readonly bootstraps: readonly BlockBootstrap[];
  /** Watched seconds, and received packets, by window. */
  readonly seconds: Float64Array;
  readonly packets: Float64Array;
  readonly #byKey = new Map<string, (Series | null)[]>();

  constructor(side: Side, seed: number) {
    const { windows } = side;
    this.side = side;
    this.bootstraps = blockLengthsFor(windows.length).map((length) =>
      new BlockBootstrap(windows.length, length, seed)
    );
    this.seconds = Float64Array.from(windows, ({ seconds }) => seconds);
    this.packets = new Float64Array(windows.length);
    windows.forEach(({ series }, index) => {
      for (const each of series) {
        const key = keyOf(each);
        let found = this.#byKey.get(key);
        if (found === undefined) this.#byKey.set(key, found = windows.map(() => null));
        found[index] = each;
        if (isReceivedPackets(each)) this.packets[index]! += Number(each.value);
      }
    });
  }

  /** A series by window. */
  of(name: SeriesName & Pick<Series, "family" | "kind">): Observed {
    const found = this.#byKey.get(keyOf(name)) ?? this.side.windows.map(() => null);
    const counts = Float64Array.from(found, (each) => each === null ? 0 : amountOf(each));
    const histograms = found.map((each) => each?.kind === "histogram" ? each : null);
    return {
      counts,
      sums: histograms.some((each) => each !== null && each.sum === null)
        ? null
        : Float64Array.from(histograms, (each) => Number(each?.sum ?? 0)),
      buckets: bucketsOf(histograms),
      total: counts.reduce((sum, count) => sum + count, 0),
    };
  }
}

/** The identity of a series in a comparison. */
export function keyOf(series: SeriesName & Pick<Series, "family" | "kind">): string {
  return `${series.family} ${series.kind} ${seriesKey(series)}`;
}

/** Whether a series counts the packets that the server received: the load. */
export function isReceivedPackets(
  series: SeriesName & Pick<Series, "kind">,
): series is Extract<Series, { kind: "counter" }> {
  return series.metric === "network_traffic" && series.unit === "packets" &&
    series.labels["direction"] === "received" && series.kind === "counter";
}

function amountOf(series: Series): number {
  return series.kind === "histogram" ? series.count : Number(series.value);
}

function bucketsOf(histograms: readonly (HistogramSeries | null)[]): BucketCounts[] {
  const byLower = new Map<number, BucketCounts>();
  histograms.forEach((histogram, index) => {
    for (const { lower, upper, count } of histogram?.buckets ?? []) {
      let bucket = byLower.get(lower);
      if (bucket === undefined) {
        bucket = { lower, upper, counts: new Float64Array(histograms.length) };
        byLower.set(lower, bucket);
      }
      bucket.counts[index]! += count;
    }
  });
  return [...byLower.values()].sort((a, b) => a.lower - b.lower);
}
