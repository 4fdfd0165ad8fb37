/**
 * What a tired operator wants first: three sentences, computed from the data.
 *
 * @module
 */

import type { MetricsDocument } from "../../metrics/document.ts";
import {
  counted,
  counters,
  durationOf,
  histograms,
  nameOf,
  quantileOf,
  three,
  whole,
} from "../series.ts";
import { bpfShare, duration, size } from "../format.ts";

/** The slowest message; the losses; what looking cost. A sentence without data says that. */
export function headlines(document: MetricsDocument): string[] {
  return [slowest(document), losses(document), cost(document)];
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
    `of ${whole(series.count)}.`;
}

function losses(document: MetricsDocument): string {
  const events = counters(document.totals, "error_rate", "events");
  if (events.length === 0) return "Losses and errors were not watched.";
  const count = (kind: string) =>
    events.filter(({ labels }) => labels["kind"] === kind)
      .reduce((sum, { value }) => sum + Number(value), 0);
  const [unanswered, dropped] = [count("unanswered"), count("kernel_drop")];
  const lost = [
    ...unanswered === 0 ? [] : [`${counted(unanswered, "request")} got no answer`],
    ...dropped === 0
      ? []
      : [`${counted(dropped, "packet")} ${dropped === 1 ? "was" : "were"} dropped by the kernel`],
  ];
  const others = events.filter(({ labels, value }) =>
    !["unanswered", "kernel_drop"].includes(labels["kind"] ?? "") && Number(value) > 0
  ).reduce((sum, { value }) => sum + Number(value), 0);
  const received = counters(document.totals, "network_traffic", "packets")
    .filter(({ labels }) => labels["direction"] === "received")
    .reduce((sum, { value }) => sum + Number(value), 0);
  const of = received === 0 ? "" : ` of ${whole(received)} received`;
  const errors = others === 0 ? "no other error was seen" : counted(others, "other error");
  return lost.length === 0
    ? `Nothing was lost${of}; ${errors}.`
    : `Lost${of}: ${lost.join(", ")}; ${errors}.`;
}

function cost(document: MetricsDocument): string {
  const { cost } = document.capture;
  if (cost === null) return "What looking cost is not known.";
  const { bpf_us_per_packet: time } = cost;
  const monitor = `the monitor itself ${three(100 * cost.monitor_cpu_ratio)} % of a core and ` +
    `${size(cost.monitor_memory_bytes)}`;
  if (cost.hits === 0) {
    return `Looking: the kernel does not tell what its programs cost; ${monitor}.`;
  }
  const share = bpfShare(cost, durationOf(document));
  const each = time === null
    ? ""
    : ` (${three(time)} us a packet, those for the host's other processes included)`;
  return `Looking cost ${share}, all processes of the host together${each}; ${monitor}.`;
}
