/**
 * The row of packets' times, by message.
 *
 * @module
 */

import { buckets, frequency, quantile } from "../expressions.ts";
import { heatMap, legend, lines, UNITS } from "../panels.ts";
import type { Row } from "../row.ts";

const PROCESSING = "packet_processing_seconds";

const quantiles = [
  [0.5, "p50", "Half of the packets are answered in this time."],
  [0.95, "p95", "95 % of the packets are answered in this time."],
  [0.99, "p99", "99 % of the packets are answered in this time: what slow clients feel."],
] as const;

/** How long packets take, by message. */
export const LATENCY: Row = {
  title: "Latency by message",
  panels: [
    ...quantiles.map(([q, title, description]) =>
      lines(
        { title: `Processing time, ${title}`, description, unit: UNITS.seconds },
        [{ expression: quantile(q, PROCESSING, ["message"]), legend: legend("message") }],
        { logarithmic: true },
      )
    ),
    heatMap(
      {
        title: "Processing time",
        description:
          "Packets by processing time: each column is an interval, a darker cell has more packets. " +
          "Two bands are two kinds of packets, a band that rises is a server that gets slow.",
        unit: UNITS.seconds,
        width: 16,
      },
      buckets(PROCESSING),
    ),
    lines(
      {
        title: "Answers",
        description: "Answered packets per second, by message and answer.",
        unit: UNITS.packets,
      },
      [{
        expression: frequency(PROCESSING, ["message", "answer"]),
        legend: `${legend("message")} -> {{answer}}`,
      }],
    ),
    lines(
      {
        title: "Wait in the socket, p99",
        description:
          "Time before Kea read a packet, which is not part of its processing time. Kea 2.2 does not know it.",
        unit: UNITS.seconds,
      },
      [{
        expression: quantile(0.99, "packet_socket_wait_seconds", ["message"]),
        legend: legend("message"),
      }],
      { logarithmic: true },
    ),
    lines(
      {
        title: "Lease allocation, p99",
        description: "Time to find and to write a lease; a part of the processing time.",
        unit: UNITS.seconds,
      },
      [{
        expression: quantile(0.99, "lease_allocation_seconds", ["message"]),
        legend: legend("message"),
      }],
      { logarithmic: true },
    ),
    lines(
      {
        title: "Parked, p99",
        description:
          "Time of packets that a hook library parked, for example until a partner has the lease.",
        unit: UNITS.seconds,
      },
      [{
        expression: quantile(0.99, "packet_parked_seconds", ["hook_point"]),
        legend: legend("hook_point"),
      }],
      { logarithmic: true },
    ),
  ],
};
