/**
 * The ledger and the slow packets in words and rows, for pages.
 *
 * @module
 */

import type { Ledger, MetricsDocument } from "../../metrics/document.ts";
import { ledgerRows } from "../../metrics/ledger.ts";
import { CAUSES } from "../../metrics/waits.ts";
import type { Table } from "../charts/chart.ts";
import { plural, significant } from "../series.ts";
import { duration } from "../format.ts";
import { MOST_ROWS } from "./table_html.ts";

/** The rows of a ledger, parts indented. */
export function ledgerTable(ledger: Ledger): Table {
  const rows = ledgerRows(ledger).map((
    [what, count, depth],
  ) => [`${"\u2003".repeat(depth)}${what}`, count]);
  return { columns: ["what", "packets"], rows };
}

/** What a ledger leaves open, as HTML. */
export function accountOf({ refused, unexplained, not_watched_seconds, not_seen }: Ledger): string {
  const unanswered = refused["unanswered"] ?? 0;
  const sentences = [
    ...unanswered === 0 ? [] : [
      `${
        plural(unanswered, "request")
      } got no answer, and the reason is not known: look in Kea's log, ` +
      "and run <code>deno task troubleshoot</code>.",
    ],
    ...not_watched_seconds === undefined ? [] : [
      `${significant(not_watched_seconds)} s were not watched, and ` +
      (not_seen == null
        ? "how many packets came in that time is not known."
        : `${plural(not_seen, "packet")} of the client came in that time.`),
    ],
    ...unexplained === null
      ? ["Only the probes counted these packets, so packets that they missed do not appear."]
      : unexplained === 0
      ? []
      : [`${plural(unexplained, "packet")} ${unexplained === 1 ? "is" : "are"} unexplained.`],
  ];
  return sentences.length === 0 ? "Every packet is accounted for." : sentences.join(" ");
}

/** The slowest packets, a row for each. */
export function slowTable(packets: NonNullable<MetricsDocument["slow"]>["packets"]): Table {
  const names = [...new Set(packets.flatMap(({ stages }) => Object.keys(stages)))];
  const causes = CAUSES.filter((cause) =>
    packets.some(({ waits }) => waits !== undefined && cause in waits)
  );
  const rows = packets.slice(0, MOST_ROWS).map((packet) => [
    packet.time.slice(0, 23).replace("T", " "),
    `${packet.message} -> ${packet.answer}`,
    duration(packet.duration_ns),
    packet.client,
    packet.transaction,
    ...names.map((name) => name in packet.stages ? duration(packet.stages[name]!) : ""),
    ...causes.map((cause) => {
      const ns = packet.waits?.[cause];
      return ns === undefined ? "" : duration(ns);
    }),
  ]);
  const columns = ["time (UTC)", "message", "took", "client", "transaction", ...names, ...causes];
  return { columns, rows };
}
