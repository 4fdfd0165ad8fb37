/**
 * What a document has in all, over several series.
 *
 * @module
 */

import type { HistogramSeries, MetricsDocument, Series } from "./document.ts";

/** Labels that a series must have, among others. */
export type Labels = Readonly<Record<string, string>>;

/** What a metric counted in all: the sum over the series that have some labels, 0 without any. */
export function total(
  document: Pick<MetricsDocument, "totals">,
  metric: string,
  labels: Labels = {},
  unit?: string,
): number {
  return document.totals.filter((series) =>
    isOf(series, metric, labels) && (unit === undefined || series.unit === unit)
  ).reduce((sum, series) => sum + amount(series), 0);
}

/** Requests without an answer, those that may still get one included. */
export function withoutAnswer(document: Pick<MetricsDocument, "totals">): number {
  const errors = (kind: string) => total(document, "error_rate", { kind });
  return errors("unanswered") - errors("late") + total(document, "pending_requests");
}

/** The histograms of a metric that have some labels. */
export function histogramsOf(
  document: Pick<MetricsDocument, "totals">,
  metric: string,
  labels: Labels = {},
): HistogramSeries[] {
  return document.totals.filter((series): series is HistogramSeries =>
    series.kind === "histogram" && isOf(series, metric, labels)
  );
}

/** How many packets of each exchange were answered: `REQUEST -> REPLY`. */
export function exchangesIn(document: Pick<MetricsDocument, "totals">): Record<string, number> {
  return Object.fromEntries(
    histogramsOf(document, "packet_processing_time").map(({ labels, count }) => [
      `${labels["message"]} -> ${labels["answer"]}`,
      count,
    ]),
  );
}

/** Whether a series is of a metric, and has some labels among others. */
export function isOf(series: Series, metric: string, labels: Labels): boolean {
  return series.metric === metric &&
    Object.entries(labels).every(([name, value]) => series.labels[name] === value);
}

function amount(series: Series): number {
  return series.kind === "histogram" ? series.count : Number(series.value);
}
