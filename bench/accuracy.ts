#!/usr/bin/env -S deno run -A
/**
 * `deno task bench:accuracy`: a prime number of exchanges, and every count beside perfdhcp's and
 * Kea's own.
 *
 * @module
 */

import { Command, Option } from "npm:@commander-js/extra-typings@15.1.0";
import { describeServer } from "../discovery/servers.ts";
import type { MetricsDocument } from "../metrics/document.ts";
import { WindowBuilder } from "../metrics/windows.ts";
import { findBpftrace } from "../probes/bpftrace.ts";
import { watch } from "../probes/monitoring_loop.ts";
import { type Profile, PROFILES } from "../probes/sources.ts";
import { exitWith, numberBetween } from "../command_line.ts";
import { ensureInstalled } from "../tools/install.ts";
import { keaStatistics } from "../discovery/control_channel.ts";
import { CaughtSignals } from "../tools/lab/caught_signals.ts";
import { type Lab, startLab } from "../tools/lab/lab.ts";
import { type PerfdhcpReport, runPerfdhcp } from "../tools/lab/perfdhcp.ts";

const command = new Command("bench:accuracy")
  .description("Compare every count with perfdhcp's and Kea's own (root).")
  .option("--exchanges <number>", "how many, best a prime number", numberBetween(1, 500_000), 9973)
  .option("--rate <number>", "exchanges a second", numberBetween(1, 5000), 1000)
  .option("--threads <number>", "worker threads of Kea, 0 for none", numberBetween(0, 64), 2)
  .addOption(
    new Option("--sockets <kind>", "DHCP sockets").choices(["raw", "udp"] as const).default(
      "raw" as const,
    ),
  )
  .addOption(
    new Option("--profile <name>", "how much is probed").choices(PROFILES).default(
      "standard" as const,
    ),
  )
  .allowExcessArguments(false)
  .addHelpText(
    "after",
    "\nExamples:\n  deno task bench:accuracy\n" +
      "  deno task bench:accuracy --sockets udp --threads 0 --rate 200 --exchanges 997\n\n" +
      "Exit status: 0 every count is equal, 1 one is not.",
  )
  .exitOverride((error) => Deno.exit(error.exitCode === 0 ? 0 : 2));

/** One count and what it must equal. */
interface Row {
  readonly what: string;
  readonly ours: number;
  readonly theirs: number;
  readonly whose: string;
}

/** Watches a lab while it gets its traffic. */
async function watchLoad(
  lab: Lab,
  profile: Profile,
  load: { readonly rate: number; readonly exchanges: number },
): Promise<{ document: MetricsDocument; report: PerfdhcpReport }> {
  const stop = new AbortController();
  const windows = new WindowBuilder();
  let traffic: Promise<PerfdhcpReport> | null = null;
  for await (
    const record of watch({
      server: await describeServer(lab.pid),
      profile,
      bpftrace: await findBpftrace(),
      intervalMs: 1000,
      durationMs: 3600_000,
      signal: stop.signal,
      say: (line) => console.error(line),
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

if (import.meta.main) {
  await command.parseAsync(Deno.args, { from: "user" });
  const { exchanges, rate, threads, sockets, profile } = command.opts();
  await exitWith(async () => {
    await ensureInstalled(false);
    using signals = new CaughtSignals();
    await using lab = await startLab({ threads, sockets });
    const before = await keaStatistics(lab.controlSocket);
    const { document, report } = await Promise.race([
      watchLoad(lab, profile, { rate, exchanges }),
      signals.first.then((signal) => Promise.reject(new Error(`Stopped by ${signal}`))),
    ]);
    const after = await keaStatistics(lab.controlSocket);
    const rows = rowsOf(document, report, (name) => after[name]! - before[name]!);
    for (const { what, ours, theirs, whose } of rows) {
      const verdict = ours === theirs ? "equal" : `DIFFERENT by ${ours - theirs}`;
      console.log(
        `${what.padEnd(32)} ${String(ours).padStart(7)}  ${verdict.padEnd(10)} ${whose} ${theirs}`,
      );
    }
    console.log(`verdict ${document.capture.verdict} ${document.capture.reasons.join("; ")}`);
    return rows.every(({ ours, theirs }) => ours === theirs) ? 0 : 1;
  });
}
