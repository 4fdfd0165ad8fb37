/**
 * The row of lease databases and the lease file.
 *
 * @module
 */

import { frequency, quantile, rate } from "../expressions.ts";
import { legend, lines, UNITS } from "../panels.ts";
import type { Row } from "../row.ts";

const QUERY = "database_query_seconds";
const STATEMENT = ["backend", "statement"] as const;

/** What the lease database does. */
export const DATABASE: Row = {
  title: "Database and lease file",
  panels: [
    lines(
      {
        title: "Statements, p99",
        description:
          "From Kea's call to the database's answer. With memfile: writes of the lease file.",
        unit: UNITS.seconds,
        width: 12,
      },
      [{ expression: quantile(0.99, QUERY, STATEMENT), legend: legend(...STATEMENT) }],
      { logarithmic: true },
    ),
    lines(
      {
        title: "Statements",
        description: "Statements per second. Several per packet are normal, a rise of one is not.",
        unit: UNITS.operations,
        width: 12,
      },
      [{ expression: frequency(QUERY, STATEMENT), legend: legend(...STATEMENT) }],
    ),
    lines(
      {
        title: "Rows",
        description: "Rows that the statements returned, per second (PostgreSQL).",
        unit: UNITS.operations,
      },
      [{ expression: rate("database_rows_total", STATEMENT), legend: legend(...STATEMENT) }],
    ),
    lines(
      {
        title: "Statements that failed",
        description: "By statement and the database's answer.",
        unit: UNITS.events,
      },
      [{ expression: rate("database_failures_total", ["failure"]), legend: legend("failure") }],
    ),
    lines(
      {
        title: "Lease file failures",
        description:
          "Writes and cleanups of the lease file that failed: the disk is full, or worse.",
        unit: UNITS.events,
      },
      [{
        expression: rate("lease_file_failures_total", ["operation", "status"]),
        legend: legend("operation", "status"),
      }],
    ),
  ],
};
