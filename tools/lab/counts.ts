/**
 * Our counts, compared with perfdhcp's and Kea's own.
 *
 * @module
 */

import { keaStatistics } from "../../discovery/control_channel.ts";
import type { MetricsDocument } from "../../metrics/document.ts";
import type { Bpftrace } from "../../probes/bpftrace.ts";
import { knowsArrivals } from "../../probes/plan.ts";
import type { Profile } from "../../probes/programs.ts";
import type { Lab } from "./lab.ts";
import { type PerfdhcpReport, runPerfdhcp } from "./perfdhcp.ts";
import { watchWhile } from "./watch_while.ts";

/** One count and what it must equal. */
export interface Row {
  readonly what: string;
  readonly ours: number;
  readonly theirs: number;
  readonly whose: string;
}

/** How a lab is watched, and what is sent to it. */
export interface WatchedLoad {
  readonly profile: Profile;
  readonly bpftrace: Bpftrace;
  readonly rate: number;
  readonly exchanges: number;
  /** Called with lines for people. */
  readonly say: (line: string) => void;
}

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
  { profile, bpftrace, say, ...load }: WatchedLoad,
): Promise<{ document: MetricsDocument; report: PerfdhcpReport }> {
  const watching = { profile, bpftrace, intervalMs: 1000, durationMs: 3600_000, say };
  const { document, result } = await watchWhile(lab, watching, () => runPerfdhcp(lab, load));
  return { document, report: result };
}

function rowsOf(
  { family, profile }: { readonly family: 4 | 6; readonly profile: Profile },
  { totals, server }: MetricsDocument,
  report: PerfdhcpReport,
  raised: (counter: string) => number,
): Row[] {
  const ours = (metric: string, labels: Readonly<Record<string, string>>, unit?: string) =>
    totals.filter((series) =>
      series.metric === metric && (unit === undefined || series.unit === unit) &&
      Object.entries(labels).every(([name, value]) => series.labels[name] === value)
    ).reduce((sum, s) => sum + (s.kind === "histogram" ? s.count : Number(s.value)), 0);
  const [first, second, counter] = family === 4
    ? [["DHCPDISCOVER", "DHCPOFFER"], ["DHCPREQUEST", "DHCPACK"], "ack-sent"] as const
    : [["SOLICIT", "ADVERTISE"], ["REQUEST", "REPLY"], "reply-sent"] as const;
  const answered = ([message, answer]: readonly [string, string]) =>
    ours("packet_processing_time", { message, answer });
  const exchange = (pair: readonly [string, string]) =>
    report[pair.join("-").replaceAll("DHCP", "")]!.received;
  const kea = (name: string) =>
    [`Kea pkt${family}-${name}`, raised(`pkt${family}-${name}`)] as const;
  const row = (what: string, count: number, whose: string, theirs: number): Row => (
    { what, ours: count, theirs, whose }
  );
  const packets = (direction: string) => ours("network_traffic", { direction }, "packets");
  const offered = `${family === 4 ? "offer" : "advertise"}-sent`;
  return [
    row(`${first.join(" -> ")} timed`, answered(first), "perfdhcp", exchange(first)),
    row(`${first.join(" -> ")} timed`, answered(first), ...kea(offered)),
    row(`${second.join(" -> ")} timed`, answered(second), "perfdhcp", exchange(second)),
    row(`${second.join(" -> ")} timed`, answered(second), ...kea(counter)),
    row("packets received", packets("received"), ...kea("received")),
    row("packets sent", packets("sent"), ...kea("sent")),
    ...knowsArrivals({ version: server.version ?? "" })
      ? [row("waits in the socket", ours("packet_socket_wait", {}), ...kea("received"))]
      : [],
    ...profile === "light" ? [] : [row(
      "lease file writes",
      ours("database_query_time", { statement: "lease_file_write" }),
      "perfdhcp acknowledged",
      exchange(second),
    )],
    ...ours("lease_allocation_time", {}) === 0 ? [] : [row(
      "allocations",
      ours("lease_allocation_time", {}),
      "perfdhcp answered",
      exchange(first) + exchange(second),
    )],
  ];
}
