/**
 * Tables of the summary, one for a metric. Pure: document in, lines out.
 *
 * @module
 */

import type { MetricsDocument, Series } from "../metrics/document.ts";
import type { MetricName } from "../metrics/metric_names.ts";
import { columns, perSecond, threeDigits } from "./format.ts";
import {
  counters,
  durationOf,
  histograms,
  maxText,
  quantileText,
  sumOf,
  trafficOf,
} from "./series.ts";

/** How often, by labels. */
export function counts(
  metric: MetricName,
  unit: string,
  nameOf: (labels: Series["labels"]) => string,
): (document: MetricsDocument) => string[] {
  return (document) => {
    const rows = counters(document.totals, metric, unit).map(({ labels, value }) => [
      nameOf(labels),
      String(value),
      perSecond(Number(value), durationOf(document)),
    ]);
    return rows.length === 0 ? [] : columns([["", "count", "avg/s"], ...rows]);
  };
}

/** The most clients and relays that are shown; the report has more. */
const MOST_BUSIEST = 20;

/** Those that sent most, and what all others sent. */
export function busiest(
  metric: MetricName,
  label: string,
): (document: MetricsDocument) => string[] {
  return ({ totals }) => {
    const received = trafficOf(totals, "packets", "received");
    const share = (packets: number) =>
      received === 0 ? "" : `${threeDigits(100 * packets / received)} %`;
    const shown = counters(totals, metric, "packets")
      .toSorted((a, b) => Number(b.value) - Number(a.value)).slice(0, MOST_BUSIEST);
    if (shown.length === 0) return [];
    const others = received - sumOf(shown);
    return columns([
      ["", "packets", "of all"],
      ...shown.map(({ labels, value }) => [
        labels[label] ?? "",
        `${labels["count"] === "exact" ? "" : ">="}${value}`,
        share(Number(value)),
      ]),
      ["all others", String(others), share(others)],
    ]);
  };
}

/** Times by labels: count, rate and quantiles. */
export function times(
  metric: MetricName,
  nameOf: (labels: Series["labels"]) => string,
): (document: MetricsDocument) => string[] {
  return (document) => {
    const found = histograms(document.totals, metric);
    if (found.length === 0) return [];
    const rows = found.map((series) => [
      nameOf(series.labels),
      String(series.count),
      perSecond(series.count, durationOf(document)),
      ...[0.5, 0.95, 0.99].map((q) => quantileText(series, q)),
      maxText(series),
    ]);
    return columns([["", "count", "avg/s", "p50", "p95", "p99", "max"], ...rows]);
  };
}
