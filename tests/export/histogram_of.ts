/** Histograms of known times, for tests. */

import type { HistogramValue } from "../../export/prometheus/accumulator.ts";
import { boundsOf, bucketOf } from "../../metrics/histogram.ts";

/** Times, whole nanoseconds, in our buckets. */
export function histogramOf(times: readonly number[]): HistogramValue {
  const histogram: HistogramValue = { buckets: new Map(), count: 0n, sum: 0n };
  for (const time of times) {
    const { lower, upper } = boundsOf(bucketOf(time));
    const bucket = histogram.buckets.getOrInsertComputed(
      lower,
      () => ({ lower, upper, count: 0n }),
    );
    bucket.count++;
    histogram.count++;
    histogram.sum += BigInt(time);
  }
  return histogram;
}
