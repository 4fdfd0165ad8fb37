/**
 * Evidence of findings: figures of a document, with where they are in it and their bounds.
 *
 * @module
 */

import type { HistogramSeries } from "../document.ts";
import type { MetricName } from "../metric_names.ts";
import type { Labels } from "../totals.ts";
import { type Counted, type Facts, meanNs } from "./facts.ts";
import type { Evidence } from "./finding.ts";

/** A figure without bounds: a count, seconds, or what is computed from such. */
export function exactEvidence(
  what: string,
  source: string,
  labels: Labels,
  unit: string,
  value: number,
): Evidence {
  return { what, source, labels, unit, value };
}

/** The packets that the others are a share of. */
export function receivedEvidence({ received }: Facts): Evidence {
  return exactEvidence("received by Kea", "network_traffic", {}, "packets", received);
}

/** What a counter counted. */
export function counterEvidence(what: string, { metric, labels, unit, value }: Counted): Evidence {
  return exactEvidence(what, metric, labels, unit, value);
}

/**
 * What part of the threads' time some series are.
 *
 * @param lower what it is at least, if it is not exact.
 * @param ns their times together, if not all series with these labels are meant.
 */
export function shareEvidence(
  facts: Facts,
  what: string,
  metric: MetricName,
  labels: Labels,
  lower?: number,
  ns = facts.ns(metric, labels),
): Evidence {
  const value = facts.share(ns);
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
