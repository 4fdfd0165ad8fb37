/**
 * Our counts, compared with perfdhcp's and Kea's own.
 *
 * @module
 */

import { keaStatistics } from "../../discovery/control_channel.ts";
import type { MetricsDocument } from "../../metrics/document.ts";
import type { MetricName } from "../../metrics/metric_names.ts";
import { knowsArrivals } from "../../probes/plan.ts";
import type { Profile } from "../../probes/programs.ts";
import type { Lab } from "./lab.ts";
import { type Load, type PerfdhcpReport, runPerfdhcp } from "./perfdhcp.ts";
import { type Labels, total, withoutAnswer } from "../../metrics/totals.ts";
import { type Watching, watchWhile } from "./watch_while.ts";

/** One count and what it must equal. */
export interface Row {
  readonly what: string;
  readonly ours: number;
  readonly theirs: number;
  readonly whose: string;
}

/** How a lab is watched, and what is sent to it. */
export interface WatchedLoad extends Watching, Load {}

/**
 * Watches a lab under traffic.
 *
 * @returns the document, and each count beside perfdhcp's and Kea's own.
 */
export async function compareCounts(
  lab: Lab,
  load: WatchedLoad,
): Promise<{ readonly document: MetricsDocument; readonly rows: readonly Row[] }> {
  const before = await keaStatistics(lab.controlSocket);
  const { document, report } = await watchLoad(lab, load);
  const after = await keaStatistics(lab.controlSocket);
  const rows = rowsOf(
    { family: lab.family, profile: load.profile },
    document,
    report,
    (name) => (after[name] ?? 0) - (before[name] ?? 0),
  );
  return { document, rows };
}

/** Watches a lab under traffic, from the first sample to the last answer. */
export async function watchLoad(
  lab: Lab,
  load: WatchedLoad,
): Promise<{ document: MetricsDocument; report: PerfdhcpReport }> {
  const { document, result } = await watchWhile(lab, load, () => runPerfdhcp(lab, load));
  return { document, report: result };
}

/** Stages of every packet that gets a lease. */
const STAGES: Readonly<Record<Profile, readonly string[]>> = {
  light: [],
  standard: ["before", "allocate", "after"],
  deep: ["queue", "parse", "select", "allocate", "commit", "pack", "send"],
};

function rowsOf(
  { family, profile }: { readonly family: 4 | 6; readonly profile: Profile },
  document: MetricsDocument,
  report: PerfdhcpReport,
  raised: (counter: string) => number,
): Row[] {
  const ours = (metric: MetricName, labels?: Labels, unit?: string) =>
    total(document, metric, labels, unit);
  const row = (what: string, count: number, whose: string, theirs: number): Row => (
    { what, ours: count, theirs, whose }
  );
  const kea = (name: string) =>
    [`Kea pkt${family}-${name}`, raised(`pkt${family}-${name}`)] as const;
  const packets = (direction: string) => ours("network_traffic", { direction }, "packets");
  const exchanges = family === 4
    ? [["DHCPDISCOVER", "DHCPOFFER", "offer-sent"], ["DHCPREQUEST", "DHCPACK", "ack-sent"]] as const
    : [["SOLICIT", "ADVERTISE", "advertise-sent"], ["REQUEST", "REPLY", "reply-sent"]] as const;
  const answersOf = (message: string, answer: string) =>
    report[`${message}-${answer}`.replaceAll("DHCP", "")]!.received;
  const sent = Object.values(report).reduce((sum, each) => sum + each.sent, 0);
  const answered = Object.values(report).reduce((sum, each) => sum + each.received, 0);
  // On a busy machine the kernel or Kea's queue may drop some: they are counted, too.
  const dropped = ours("error_rate", { kind: "kernel_drop" });
  const unanswered = withoutAnswer(document);
  return [
    ...exchanges.flatMap(([message, answer, counter]) => {
      const timed = ours("packet_processing_time", { message, answer });
      const answers = answersOf(message, answer);
      return [
        row(`${message} -> ${answer} timed`, timed, "perfdhcp", answers),
        row(`${message} -> ${answer} timed`, timed, ...kea(counter)),
        ...profile === "light" ? [] : [
          row(
            `allocations of ${message}`,
            ours("lease_allocation_time", { message }),
            "perfdhcp answered",
            answers,
          ),
        ],
        ...STAGES[profile].map((stage) =>
          row(
            `${message} in stage ${stage}`,
            ours("packet_stage_time", { message, stage }),
            "perfdhcp answered",
            answers,
          )
        ),
      ];
    }),
    row("packets received and dropped", packets("received") + dropped, "perfdhcp sent", sent),
    row("packets received and answered", packets("received") - unanswered, ...kea("received")),
    row("requests lost", unanswered + dropped, "perfdhcp missed", sent - answered),
    row("answers unmatched", ours("error_rate", { kind: "unmatched_answer" }), "expected", 0),
    row("packets sent", packets("sent"), ...kea("sent")),
    ...knowsArrivals({ version: document.server.version ?? "" })
      ? [row("waits in the socket", ours("packet_socket_wait") + dropped, "perfdhcp sent", sent)]
      : [],
    ...profile === "light" ? [] : [row(
      "lease file writes",
      ours("database_query_time", { statement: "lease_file_write" }),
      "perfdhcp acknowledged",
      answersOf(...exchanges[1].slice(0, 2) as [string, string]),
    )],
  ];
}
