/**
 * The row of what the server processes use.
 *
 * @module
 */

import { of, rate, sum } from "../expressions.ts";
import { legend, lines, UNITS } from "../panels.ts";
import type { Row } from "../row.ts";

/** What the server processes use. */
export const RESOURCES: Row = {
  title: "Server resources",
  isClosed: true,
  panels: [
    lines(
      {
        title: "CPU",
        description: "Cores in use, by mode. A server with one thread is full at 1.",
        unit: UNITS.share,
      },
      [{ expression: rate("server_cpu_seconds_total", ["mode"]), legend: legend("mode") }],
      { stacked: true },
    ),
    lines(
      {
        title: "Memory",
        description: "Memory of the server by kind; anonymous memory that only rises is a leak.",
        unit: UNITS.bytes,
      },
      [{ expression: sum(of("server_memory_bytes"), ["kind"]), legend: legend("kind") }],
    ),
    lines(
      {
        title: "Page faults",
        description: "Major faults wait for the disk: memory is short.",
        unit: UNITS.operations,
      },
      [{ expression: rate("server_page_faults_total", ["kind"]), legend: legend("kind") }],
    ),
    lines(
      {
        title: "Traffic",
        description: "UDP payload that the servers received and sent, per second.",
        unit: "Bps",
        width: 12,
      },
      [
        {
          expression: rate("received_bytes_total", ["socket"]),
          legend: `${legend("socket")} received`,
        },
        { expression: rate("sent_bytes_total", ["socket"]), legend: `${legend("socket")} sent` },
      ],
    ),
    lines(
      {
        title: "Restarts",
        description:
          "How often another process took the place of the server, since the exporter runs.",
        unit: UNITS.count,
        width: 6,
      },
      [{ expression: sum(of("server_restarts_total"), []), legend: legend() }],
    ),
    lines(
      {
        title: "Watched for",
        description: "Time since the server was started.",
        unit: UNITS.seconds,
        width: 6,
      },
      [{
        expression: `time() - ${sum(of("server_start_time_seconds"), [])}`,
        legend: legend(),
      }],
    ),
  ],
};
