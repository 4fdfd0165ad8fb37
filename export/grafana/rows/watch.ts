/**
 * The row of the exporter: whether it sees everything, and what that takes.
 *
 * @module
 */

import { of, ofExporter, ofScrape, rate, sum } from "../expressions.ts";
import { legend, lines, rowsOf, UNITS } from "../panels.ts";
import type { Row } from "../row.ts";

/** Whether everything is seen, and the monitoring overhead. */
export const WATCH: Row = {
  title: "Watch and overhead",
  isClosed: true,
  panels: [
    lines(
      {
        title: "Complete",
        description: "1 while nothing was missed. The exporter's log has the reason for a 0.",
        unit: UNITS.count,
      },
      [{ expression: sum(of("watch_complete"), []), legend: legend() }],
    ),
    lines(
      {
        title: "Not watched",
        description: "Share of the time in which no probe was attached.",
        unit: UNITS.share,
      },
      [{ expression: rate("unwatched_seconds_total"), legend: legend() }],
    ),
    lines(
      {
        title: "Age of the newest reading",
        description: "Some seconds more than the time between two readings are normal.",
        unit: UNITS.seconds,
      },
      [{
        expression: `time() - ${sum(of("last_reading_timestamp_seconds"), [])}`,
        legend: legend(),
      }],
    ),
    rowsOf(
      {
        title: "Metrics",
        description:
          "1: measured on this server. 0: not available there, or not with this profile.",
        unit: UNITS.count,
        width: 12,
      },
      { expression: sum(of("metric_available"), ["metric"]) },
      ["Time"],
    ),
    lines(
      {
        title: "Overhead in the server",
        description:
          "Share of a core that the eBPF programs take. Most of it is in the server's own time.",
        unit: UNITS.share,
        width: 12,
      },
      [{ expression: rate("bpf_seconds_total"), legend: legend() }],
    ),
    lines(
      {
        title: "Runs of eBPF programs",
        description: "Per second; it follows the packets.",
        unit: UNITS.operations,
      },
      [{ expression: rate("bpf_runs_total"), legend: legend() }],
    ),
    lines(
      {
        title: "Left out",
        description: "Slow packets that were not listed, beyond the limit in the kernel.",
        unit: UNITS.packets,
      },
      [{ expression: rate("slow_packets_omitted_total"), legend: legend() }],
    ),
    lines(
      {
        title: "CPU of the exporters",
        description: "Cores in use by the exporter and the programs that it started.",
        unit: UNITS.share,
      },
      [{
        expression: `sum by (instance) (rate(${
          ofExporter("exporter_cpu_seconds_total")
        }[$__rate_interval]))`,
        legend: "{{instance}}",
      }],
    ),
    lines(
      {
        title: "Memory of the exporters",
        description:
          "Anonymous memory of the exporter, of its bpftraces and of what draws the page; it is flat.",
        unit: UNITS.bytes,
      },
      [{
        expression: `sum by (instance, process) (${ofExporter("exporter_memory_bytes")})`,
        legend: "{{instance}} {{process}}",
      }],
    ),
    lines(
      {
        title: "Scrape",
        description: "Time that Prometheus needs to scrape the exporter.",
        unit: UNITS.seconds,
      },
      [{ expression: ofScrape("scrape_duration_seconds"), legend: "{{instance}}" }],
    ),
    lines(
      {
        title: "Samples per scrape",
        description: "Grows with servers, statements, callouts and log messages, and is limited.",
        unit: UNITS.count,
      },
      [{ expression: ofScrape("scrape_samples_scraped"), legend: "{{instance}}" }],
    ),
  ],
};
