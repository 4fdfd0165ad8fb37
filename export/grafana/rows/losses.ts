/**
 * The row of everything that is lost, refused or late.
 *
 * @module
 */

import { of, quantile, rate, sum } from "../expressions.ts";
import { legend, lines, UNITS } from "../panels.ts";
import type { Row } from "../row.ts";

/** What is lost, and why. */
export const LOSSES: Row = {
  title: "Losses",
  panels: [
    lines(
      {
        title: "Dropped by the kernel",
        description: "Packets that came while the server's socket was full: Kea reads too slowly.",
        unit: UNITS.packets,
      },
      [{ expression: rate("kernel_dropped_packets_total", ["socket"]), legend: legend("socket") }],
    ),
    lines(
      {
        title: "Queue in the socket",
        description:
          "Memory of packets that wait to be read. 212,992 bytes are full, where net.core.rmem_default " +
          "was not changed.",
        unit: UNITS.bytes,
      },
      [{ expression: sum(of("socket_queued_bytes"), ["socket"]), legend: legend("socket") }],
    ),
    lines(
      {
        title: "Unanswered and late",
        description:
          "Requests without an answer for 5 s, and those of them that got one afterwards.",
        unit: UNITS.packets,
      },
      [
        {
          expression: rate("requests_unanswered_total", ["message"]),
          legend: `${legend("message")} unanswered`,
        },
        {
          expression: rate("requests_answered_late_total", ["message"]),
          legend: `${legend("message")} late`,
        },
      ],
    ),
    lines(
      {
        title: "Retransmissions",
        description:
          "Requests that came again before they were answered: the server is slow, or does not answer.",
        unit: UNITS.packets,
      },
      [{ expression: rate("retransmissions_total", ["message"]), legend: legend("message") }],
    ),
    lines(
      {
        title: "Clients have waited, p99",
        description:
          "How long clients had waited when they sent a request, by their own account (secs, elapsed time).",
        unit: UNITS.seconds,
      },
      [{
        expression: quantile(0.99, "client_waiting_seconds", ["message"]),
        legend: legend("message"),
      }],
    ),
    lines(
      {
        title: "Pending",
        description:
          "Requests that are being worked on, or wait for nothing: some of them count as " +
          "unanswered later.",
        unit: UNITS.count,
      },
      [{ expression: sum(of("requests_pending"), ["message"]), legend: legend("message") }],
    ),
    lines(
      {
        title: "Refused, by Kea's own counters",
        description:
          "What Kea itself counts when it refuses a packet: the reason stands in the name.",
        unit: UNITS.events,
      },
      [{ expression: rate("statistics_total", ["statistic"]), legend: legend("statistic") }],
    ),
    lines(
      {
        title: "Log messages",
        description: "Warnings and errors that Kea logged, by their identifier.",
        unit: UNITS.events,
      },
      [{
        expression: rate("log_messages_total", ["severity", "id"]),
        legend: legend("severity", "id"),
      }],
    ),
    lines(
      {
        title: "Exceptions",
        description:
          "C++ exceptions that Kea threw, by type. Malformed packets throw some; a steady rate costs time.",
        unit: UNITS.events,
      },
      [
        { expression: rate("exceptions_total", ["exception"]), legend: legend("exception") },
        {
          expression: rate("allocations_unfinished_total"),
          legend: `${legend()} in an allocation`,
        },
        { expression: rate("callouts_unfinished_total"), legend: `${legend()} in a callout` },
      ],
    ),
    lines(
      {
        title: "Not DHCP",
        description: "Packets to the DHCP port that are not DHCP.",
        unit: UNITS.packets,
      },
      [{ expression: rate("not_dhcp_packets_total", ["socket"]), legend: legend("socket") }],
    ),
    lines(
      {
        title: "Answers without a request, and refused ones",
        description:
          "Answers whose request was not seen, and answers that the kernel did not take from Kea.",
        unit: UNITS.packets,
      },
      [
        {
          expression: rate("unmatched_answers_total", ["answer"]),
          legend: `${legend("answer")} without a request`,
        },
        {
          expression: rate("sends_refused_total", ["answer"]),
          legend: `${legend("answer")} refused by the kernel`,
        },
      ],
    ),
  ],
};
