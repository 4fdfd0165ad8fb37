/**
 * What was counted beside what perfdhcp and Kea themselves counted.
 *
 * @module
 */

import { keaStatistics } from "../discovery/control_channel.ts";
import { describeServer } from "../discovery/servers.ts";
import type { MetricsDocument } from "../metrics/document.ts";
import { WindowBuilder } from "../metrics/windows.ts";
import type { Bpftrace } from "../probes/bpftrace.ts";
import { watch } from "../probes/monitoring_loop.ts";
import type { Profile } from "../probes/sources.ts";
import type { Lab } from "../tools/lab/lab.ts";
import { type PerfdhcpReport, runPerfdhcp } from "../tools/lab/perfdhcp.ts";

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
  /** Told what happens, for people. */
  readonly say: (line: string) => void;
}

/**
 * Watches a lab while it gets its traffic.
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
  const rows = rowsOf(document, report, (name) => after[name]! - before[name]!);
  return { document, rows };
}

/** Watches a lab while it gets its traffic, from the first sample to the last answer. */
export async function watchLoad(
  lab: Lab,
  { profile, bpftrace, say, ...load }: WatchedLoad,
): Promise<{ document: MetricsDocument; report: PerfdhcpReport }> {
  const stop = new AbortController();
  const windows = new WindowBuilder();
  let traffic: Promise<PerfdhcpReport> | null = null;
  for await (
    const record of watch({
      server: await describeServer(lab.pid),
      profile,
      bpftrace,
      intervalMs: 1000,
      durationMs: 3600_000,
      signal: stop.signal,
      say,
    })
  ) {
    windows.next(record);
    if (record.type !== "sample") continue;
    traffic ??= runPerfdhcp(lab, load).finally(() => stop.abort());
  }
  if (traffic === null) throw new Error("Cannot compare, nothing was watched");
  return { document: windows.document(), report: await traffic };
}

function rowsOf(
  { totals }: MetricsDocument,
  report: PerfdhcpReport,
  raised: (counter: string) => number,
): Row[] {
  const ours = (metric: string, labels: Readonly<Record<string, string>>, unit?: string) =>
    totals.filter((series) =>
      series.metric === metric && (unit === undefined || series.unit === unit) &&
      Object.entries(labels).every(([name, value]) => series.labels[name] === value)
    ).reduce((sum, s) => sum + (s.kind === "histogram" ? s.count : Number(s.value)), 0);
  const offers = ours("packet_processing_time", { answer: "DHCPOFFER" });
  const acks = ours("packet_processing_time", { answer: "DHCPACK" });
  const exchange = (name: string) => report[name]!.received;
  const row = (what: string, count: number, whose: string, theirs: number): Row => (
    { what, ours: count, theirs, whose }
  );
  const packets = (direction: string) => ours("network_traffic", { direction }, "packets");
  return [
    row("DHCPDISCOVER -> DHCPOFFER timed", offers, "perfdhcp", exchange("DISCOVER-OFFER")),
    row(
      "DHCPDISCOVER -> DHCPOFFER timed",
      offers,
      "Kea pkt4-offer-sent",
      raised("pkt4-offer-sent"),
    ),
    row("DHCPREQUEST -> DHCPACK timed", acks, "perfdhcp", exchange("REQUEST-ACK")),
    row("DHCPREQUEST -> DHCPACK timed", acks, "Kea pkt4-ack-sent", raised("pkt4-ack-sent")),
    row("packets received", packets("received"), "Kea pkt4-received", raised("pkt4-received")),
    row("packets sent", packets("sent"), "Kea pkt4-sent", raised("pkt4-sent")),
    row(
      "lease file writes",
      ours("database_query_time", { statement: "lease_file_write" }),
      "perfdhcp acknowledged",
      exchange("REQUEST-ACK"),
    ),
    ...ours("lease_allocation_time", {}) === 0 ? [] : [row(
      "allocations",
      ours("lease_allocation_time", {}),
      "perfdhcp answered",
      exchange("DISCOVER-OFFER") + exchange("REQUEST-ACK"),
    )],
  ];
}
