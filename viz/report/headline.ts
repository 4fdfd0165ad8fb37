/**
 * The first three sentences of the report, computed from the data.
 *
 * @module
 */

import type { MetricsDocument } from "../../metrics/document.ts";
import {
  counters,
  durationOf,
  errorsOf,
  histograms,
  integer,
  nameOf,
  plural,
  quantileOf,
  significant,
  sumOf,
  trafficOf,
} from "../series.ts";
import { bpfShare, duration, size } from "../format.ts";

/** The slowest message, the losses, the monitoring overhead; a sentence without data says so. */
export function headlines(document: MetricsDocument): string[] {
  return [slowest(document), losses(document), overhead(document)];
}

function slowest({ totals }: MetricsDocument): string {
  const all = histograms(totals, "packet_processing_time")
    .flatMap((series) => {
      const found = quantileOf(series, 0.99);
      return found === null ? [] : [{ series, ...found }];
    });
  if (all.length === 0) return "No packet was answered while it was watched.";
  const { series, lower, upper } = all.reduce((a, b) => b.value > a.value ? b : a);
  return `Slowest: ${nameOf(series)}, p99 between ${duration(lower)} and ${duration(upper)}, ` +
    `of ${integer(series.count)}.`;
}

function losses(document: MetricsDocument): string {
  const events = counters(document.totals, "error_rate", "events");
  if (events.length === 0) return "Losses and errors were not watched.";
  const dropped = errorsOf(document.totals, "kernel_drop");
  // Kea's own counters know of lost requests before they have waited for 5 s.
  const unanswered = Math.max(errorsOf(document.totals, "unanswered"), refusedByKea(document));
  const lost = [
    ...unanswered === 0 ? [] : [`${plural(unanswered, "request")} got no answer`],
    ...dropped === 0
      ? []
      : [`${plural(dropped, "packet")} ${dropped === 1 ? "was" : "were"} dropped by the kernel`],
  ];
  const others = sumOf(
    events.filter(({ labels, value }) =>
      !["unanswered", "kernel_drop"].includes(labels["kind"] ?? "") && Number(value) > 0
    ),
  );
  const received = trafficOf(document.totals, "packets", "received");
  const of = received === 0 ? "" : ` of ${integer(received)} received`;
  const errors = others === 0 ? "no other error was seen" : plural(others, "other error");
  return lost.length === 0
    ? `Nothing was lost${of}; ${errors}.`
    : `Lost${of}: ${lost.join(", ")}; ${errors}.`;
}

/** Requests that Kea refused or dropped, by its own counters. */
function refusedByKea({ ledger }: MetricsDocument): number {
  return Object.entries(ledger?.refused ?? {})
    .filter(([reason]) => !["not_dhcp", "unanswered"].includes(reason))
    .reduce((sum, [, count]) => sum + count, 0);
}

function overhead(document: MetricsDocument): string {
  const { cost } = document.capture;
  if (cost === null) return "The monitoring overhead is not known.";
  const { bpf_us_per_packet: time } = cost;
  const monitor =
    `the monitor itself took ${significant(100 * cost.monitor_cpu_ratio)} % of a core and ` +
    `${size(cost.monitor_memory_bytes)}`;
  if (cost.hits === 0) {
    return `Monitoring overhead: the kernel does not report the time of BPF programs; ${monitor}.`;
  }
  const share = bpfShare(cost, durationOf(document));
  const each = time === null
    ? ""
    : ` (${significant(time)} us per packet, including those for the host's other processes)`;
  return `Monitoring overhead: ${share}, all processes of the host together${each}; ${monitor}.`;
}
