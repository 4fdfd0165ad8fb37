/**
 * The metrics of a document that no chart shows: mostly maps of other programs.
 *
 * @module
 */

import type { MetricsDocument, Series } from "../../metrics/document.ts";
import type { MetricName } from "../../metrics/metric_names.ts";
import { nanosecondsIn } from "../../metrics/time_units.ts";
import { printable } from "../../system/printable.ts";
import type { Table } from "../charts/chart.ts";
import { integer, quantileOf, significant } from "../series.ts";
import { duration } from "../format.ts";

/** Metrics that have a chart. */
const CHARTED: ReadonlySet<string> = new Set<MetricName>([
  "packet_processing_time",
  "packet_stage_time",
  "packet_wait_time",
  "packet_socket_wait",
  "lease_allocation_time",
  "database_query_time",
  "hook_callout_time",
  "relay_processing_time",
  "interface_processing_time",
  "network_traffic",
  "error_rate",
  "cpu_usage",
  "memory_usage",
]);

/** Names of metrics that have no chart. */
export function metricsWithoutChart({ totals }: MetricsDocument): string[] {
  const names = totals.map(({ metric }) => metric).filter((metric) => !CHARTED.has(metric));
  return [...new Set(names)].map(printable);
}

/** Their numbers over the whole run; null when there are none. */
export function numbersWithoutChart({ totals }: MetricsDocument): Table | null {
  const rows = byMetric(totals).filter(({ metric }) => !CHARTED.has(metric)).map((series) => [
    printable(series.metric),
    printable(Object.entries(series.labels).map(([name, value]) => `${name}=${value}`).join(" ")),
    ...numbersOf(series),
  ]);
  return rows.length === 0
    ? null
    : { columns: ["metric", "labels", "value or count", "p50", "p99", "max", "unit"], rows };
}

/** Series of one metric together, of counters the greatest first. */
function byMetric(series: readonly Series[]): Series[] {
  const value = (each: Series) => each.kind === "counter" ? Number(each.value) : 0;
  return Map.groupBy(series, ({ metric }) => metric).values()
    .flatMap((each) => each.toSorted((a, b) => value(b) - value(a))).toArray();
}

function numbersOf(series: Series): string[] {
  const { kind, unit } = series;
  if (kind === "counter") return [number(series.value), "", "", "", printable(unit)];
  if (kind === "gauge") return [number(series.value), "", "", number(series.max), printable(unit)];
  const scale = nanosecondsIn(unit);
  const show = scale === null ? number : (value: number) => duration(scale * value);
  const [p50, p99] = [0.5, 0.99].map((q) => {
    const found = quantileOf(series, q);
    return found === null ? "" : show(found.value);
  });
  return [integer(series.count), p50!, p99!, show(series.max), printable(unit)];
}

/** A text is an integer above 2^53. */
const number = (value: number | string) =>
  typeof value === "string" || Number.isInteger(value) ? integer(value) : significant(value);
