/**
 * The row that says whether all is well.
 *
 * @module
 */

import { of, ofScrape, quantile, rate, sum } from "../expressions.ts";
import { legend, lines, number, rowsOf, UNITS } from "../panels.ts";
import type { Row } from "../row.ts";

/** Whether all is well, of all chosen servers together. */
export const OVERVIEW: Row = {
  title: "Overview",
  panels: [
    number(
      {
        title: "Servers that run",
        description: "Kea servers that run, of those that the exporters watch.",
        unit: UNITS.count,
        width: 4,
      },
      [{ expression: sum(of("server_up"), null) }],
      { red: 1, isBad: "below" },
    ),
    number(
      {
        title: "Received",
        description: "DHCP packets that the servers received, per second.",
        unit: UNITS.packets,
        width: 4,
      },
      [{ expression: rate("packets_received_total", null) }],
      { red: 1e9 },
    ),
    number(
      {
        title: "p99 of all packets",
        description: "99 % of the packets are answered in this time, of all servers and messages.",
        unit: UNITS.seconds,
        width: 4,
      },
      [{ expression: quantile(0.99, "packet_processing_seconds", null) }],
      { red: 0.1 },
    ),
    number(
      {
        title: "Unanswered",
        description: "Share of the received packets that got no answer for 5 s.",
        unit: UNITS.share,
        width: 4,
      },
      [{
        expression: `${rate("requests_unanswered_total", null)} / ${
          rate("packets_received_total", null)
        }`,
      }],
      { red: 0.05 },
    ),
    number(
      {
        title: "Dropped by the kernel",
        description:
          "Packets that no Kea has read: its socket was full. Kea has no counter for them.",
        unit: UNITS.packets,
        width: 4,
      },
      [{ expression: rate("kernel_dropped_packets_total", null) }],
      { red: 0.01 },
    ),
    number(
      {
        title: "Everything is seen",
        description: "1 if nothing was missed on any server. At 0, see the row Watch.",
        unit: UNITS.count,
        width: 4,
      },
      [{ expression: `min(${of("watch_complete")})` }],
      { red: 1, isBad: "below" },
    ),
    lines(
      {
        title: "Packets received and sent",
        description: "DHCP packets per second. What is received and not sent is in the row Losses.",
        unit: UNITS.packets,
        width: 12,
      },
      [
        { expression: rate("packets_received_total"), legend: `${legend()} received` },
        { expression: rate("packets_sent_total"), legend: `${legend()} sent` },
      ],
    ),
    rowsOf(
      {
        title: "Servers",
        description:
          "The servers with their version and program. A server that is gone is not listed.",
        unit: UNITS.count,
        width: 8,
      },
      { expression: of("server_info") },
      ["Time", "Value", "__name__", "job"],
    ),
    lines(
      {
        title: "Exporters",
        description: "1 while Prometheus can scrape the exporter.",
        unit: UNITS.count,
        width: 4,
      },
      [{ expression: ofScrape("up"), legend: "{{instance}}" }],
    ),
  ],
};
