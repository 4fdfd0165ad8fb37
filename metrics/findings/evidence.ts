/**
 * Evidence of findings: figures of a document, with where they are in it and their bounds.
 *
 * @module
 */

import type { HistogramSeries } from "../document.ts";
import type { MetricName } from "../metric_names.ts";
import type { Labels } from "../totals.ts";
import { type Counted, countOf, type Facts, sumNs } from "./facts.ts";
import type { Evidence } from "./finding.ts";

/** A figure that is exact: a count, or seconds. */
export function exactEvidence(
  what: string,
  source: string,
  labels: Labels,
  unit: string,
  value: number,
): Evidence {
  return { what, source, labels, unit, value };
}

/** What a counter counted. */
export function counterEvidence(what: string, { metric, labels, unit, value }: Counted): Evidence {
  return exactEvidence(what, metric, labels, unit, value);
}

/**
 * What part of the threads' time some series are.
 *
 * @param lower what it is at least, if it is not exact.
 */
export function shareEvidence(
  facts: Facts,
  what: string,
  metric: MetricName,
  labels: Labels,
  lower?: number,
): Evidence {
  const value = facts.share(facts.ns(metric, labels));
  const isExact = lower === undefined || lower === value;
  return {
    what,
    source: metric,
    labels,
    unit: "ratio",
    value,
    ...isExact ? {} : { lower, upper: value },
  };
}

/** The mean and the 99th percentile of the times of one series. */
export function timesEvidence(what: string, series: HistogramSeries): Evidence[] {
  const { metric, labels } = series;
  const place = { source: metric, labels, unit: "ns" };
  const p99 = series.quantiles.find(({ q }) => q === 0.99);
  return [
    { what: `${what}: mean`, ...place, value: meanNs([series]) },
    ...p99 === undefined ? [] : [{
      what: `${what}: p99 of ${series.count}`,
      ...place,
      value: p99.value,
      lower: p99.lower,
      upper: p99.upper,
    }],
  ];
}

/** The mean of the times of some series, nanoseconds; exact. */
export function meanNs(series: readonly HistogramSeries[]): number {
  return sumNs(series) / Math.max(1, countOf(series));
}
