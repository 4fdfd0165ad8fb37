/** Documents with known figures, for tests of rules. */

import { bucketOf } from "../../../metrics/histogram.ts";
import type { MetricsDocument } from "../../../metrics/document.ts";
import type { MetricName } from "../../../metrics/metric_names.ts";
import { type OwnSeriesName, SeriesBook } from "../../../metrics/series_book.ts";

/** A series: a count of events of some length each, or a sum. */
export type Made = readonly [
  metric: MetricName,
  labels: Readonly<Record<string, string>>,
  unit: string,
  count: number,
  eachNs?: number,
];

/** A document of one window of 10 s, profile deep. */
export function madeDocument(
  made: readonly Made[],
  {
    server = {},
    capture = {},
    ledger,
  }: {
    readonly server?: Partial<MetricsDocument["server"]>;
    readonly capture?: Partial<MetricsDocument["capture"]>;
    readonly ledger?: NonNullable<MetricsDocument["ledger"]>;
  } = {},
): MetricsDocument {
  const book = new SeriesBook(4);
  for (const [metric, labels, unit, count, eachNs] of made) {
    const name: OwnSeriesName = { metric, labels, unit };
    if (eachNs === undefined) book.add(name, count);
    else book.addToBucket(name, bucketOf(eachNs), count, count * eachNs);
  }
  const [start, end] = ["2026-01-01T12:00:00.000Z", "2026-01-01T12:00:10.000Z"];
  return {
    schema: "kea-metrics/1",
    server: { family: 4, version: "2.2.0", host: "vm", pid: 1, ...server },
    capture: {
      profile: "deep",
      started: start,
      ended: end,
      duration_seconds: 10,
      interval_seconds: 10,
      verdict: "COMPLETE",
      reasons: [],
      not_available: [],
      cost: null,
      ...capture,
    },
    windows: [{ start, end, series: book.series() }],
    totals: book.series(),
    ...ledger === undefined ? {} : { ledger },
  };
}

/** 1,000 packets of 0.3 ms each, on a server that does nothing else. */
export const HEALTHY: readonly Made[] = [
  ["network_traffic", { direction: "received", socket: "raw" }, "packets", 1000],
  ["packet_processing_time", { message: "DHCPDISCOVER", answer: "DHCPOFFER" }, "ns", 1000, 300_000],
  ["packet_stage_time", { message: "DHCPDISCOVER", stage: "queue" }, "ns", 1000, 40_000],
  ["packet_stage_time", { message: "DHCPDISCOVER", stage: "other" }, "ns", 1000, 260_000],
  ["packet_wait_time", { message: "DHCPDISCOVER", cause: "running" }, "ns", 1000, 240_000],
  ["packet_wait_time", { message: "DHCPDISCOVER", cause: "run_queue" }, "ns", 1000, 20_000],
  ["database_query_time", { backend: "memfile", statement: "lease_file_write" }, "ns", 500, 6_000],
  ["cpu_usage", { mode: "user", thread: "all" }, "seconds", 0.3],
];

/** The same packets, of which each takes longer by something. */
export function withTime(...more: readonly Made[]): Made[] {
  const longer = meanNs(more);
  const inService = meanNs(more.filter(([, labels]) => labels["stage"] !== "queue"));
  return HEALTHY.map((made): Made => {
    const [metric, labels, unit, count, eachNs] = made;
    if (metric === "packet_processing_time") return [metric, labels, unit, count, eachNs! + longer];
    if (labels["stage"] === "other") return [metric, labels, unit, count, eachNs! + inService];
    return made;
  }).concat(more);
}

/** Nanoseconds a packet. */
function meanNs(made: readonly Made[]): number {
  return made.reduce((sum, [, , , count, eachNs = 0]) => sum + count * eachNs, 0) / 1000;
}
