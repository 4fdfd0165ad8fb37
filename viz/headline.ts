/**
 * What a tired operator wants first: three sentences, computed from the data.
 *
 * @module
 */

import type { MetricsDocument } from "../metrics/document.ts";
import { counters, durationOf, histograms, nameOf, quantileOf, three, whole } from "./series.ts";
import { duration, size } from "./summary.ts";

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
  const lost = [["unanswered", "requests got no answer"], [
    "kernel_drop",
    "packets were dropped by the kernel",
  ]]
    .flatMap(([kind, words]) => count(kind!) === 0 ? [] : [`${whole(count(kind!))} ${words}`]);
  const others = events.filter(({ labels, value }) =>
    !["unanswered", "kernel_drop"].includes(labels["kind"] ?? "") && Number(value) > 0
  ).reduce((sum, { value }) => sum + Number(value), 0);
  const received = counters(document.totals, "network_traffic", "packets")
    .filter(({ labels }) => labels["direction"] === "received")
    .reduce((sum, { value }) => sum + Number(value), 0);
  const of = received === 0 ? "" : ` of ${whole(received)} received`;
  const errors = others === 0 ? "no other error was seen" : `${whole(others)} other errors`;
  return lost.length === 0
    ? `Nothing was lost${of}; ${errors}.`
    : `Lost${of}: ${lost.join(", ")}; ${errors}.`;
}

function cost(document: MetricsDocument): string {
  const { cost } = document.capture;
  if (cost === null) return "What looking cost is not known.";
  const { bpf_us_per_packet: bpf, server_cpu_us_per_packet: server } = cost;
  const monitor = `the monitor itself ${three(100 * cost.monitor_cpu_ratio)} % of a core and ` +
    `${size(cost.monitor_memory_bytes)}`;
  if (cost.hits === 0) {
    return `Looking: the kernel does not tell what its programs cost; ${monitor}.`;
  }
  if (bpf === null || server === null) {
    const seconds = durationOf(document);
    const share = seconds === null
      ? ""
      : `, ${three(100 * cost.bpf_seconds / seconds)} % of a core`;
    return `Looking cost ${duration(cost.bpf_seconds * 1e9)} of CPU in all${share}; ${monitor}.`;
  }
  const share = server === 0 ? "" : `, ${three(100 * bpf / server)} % of Kea's CPU`;
  return `Looking cost ${three(bpf)} us a packet${share}; ${monitor}.`;
}
