#!/usr/bin/env -S deno run -A
/**
 * What `deno task test:kernels` runs in each virtual machine: a lab of its Kea, watched in every profile and by the
 * exporter, and checked by the troubleshooter. Prints a line of JSON for each.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import type { Profile } from "../probes/programs.ts";
import { oneLine, print } from "../system/command_line.ts";
import { startLab } from "../tools/lab/lab.ts";
import { runPerfdhcp } from "../tools/lab/perfdhcp.ts";
import { conclusionOf, conclusionText } from "../tools/troubleshoot/conclusion.ts";
import { troubleshoot } from "../tools/troubleshoot/troubleshoot.ts";
import { runCombination } from "./matrix.ts";
import { MeasuredExporter } from "./measured_exporter.ts";

/** What was seen of one part. */
export interface Seen {
  readonly part: Profile | "exporter" | "troubleshoot" | "host";
  /** For the table. */
  readonly says: string;
  /** Whether it is what it must be. */
  readonly isRight: boolean;
  /** What is not available, and why. */
  readonly lacks: readonly string[];
}

/** A prime number; a machine without hardware's help answers some packets each second. */
const LOAD = { exchanges: 101, rate: 10 };

/** The lab's Kea: that of this machine. */
const LAB = { kea: "2.2", family: 4, sockets: "raw", threads: 2 } as const;

/** How long the exporter may take to count what was answered, milliseconds. */
const COUNTED_LIMIT_MS = 120_000;

const PROFILES: readonly Profile[] = ["light", "standard", "deep"];

async function watched(profile: Profile): Promise<Seen> {
  const { compared, different, verdict, kea, bpftrace, document } = await runCombination(
    { ...LAB, profile },
    LOAD,
  );
  return {
    part: profile,
    says: [
      ...different.length === 0 ? [`${compared} equal`] : different,
      verdict,
      `Kea ${kea}`,
      `bpftrace ${bpftrace}`,
    ].join("; "),
    isRight: different.length === 0,
    lacks: document.capture.not_available.filter(({ why }) => !why.startsWith("needs --profile"))
      .map(({ metric, why }) => `${metric}: ${why}`),
  };
}

async function exported(): Promise<Seen> {
  await using lab = await startLab(LAB);
  await using exporter = await MeasuredExporter.start(lab, ["--server", String(lab.pid)]);
  await exporter.untilReady();
  const report = await runPerfdhcp(lab, LOAD);
  const sent = Object.values(report).reduce((sum, { sent }) => sum + sent, 0);
  const limit = performance.now() + COUNTED_LIMIT_MS;
  let received = 0;
  while (received < sent && performance.now() < limit) {
    await pause(1000);
    received = await exporter.sum("packets_received_total");
  }
  return {
    part: "exporter",
    says: `${received} of ${sent} received`,
    isRight: received === sent,
    lacks: [],
  };
}

async function checked(): Promise<Seen> {
  await using lab = await startLab(LAB);
  const findings = await troubleshoot(
    { selector: String(lab.pid), probeFrom: lab.clientNetns },
    () => {},
  );
  const conclusion = conclusionOf(findings);
  return {
    part: "troubleshoot",
    says: conclusionText(conclusion),
    isRight: conclusion.problems.length === 0,
    lacks: findings.filter(({ status }) => status === "problem" || status === "not_known")
      .map(({ check, found }) => `${check}: ${found}`),
  };
}

if (import.meta.main) {
  const parts = [
    ...PROFILES.map((profile) => [profile, () => watched(profile)] as const),
    ["exporter", exported] as const,
    ["troubleshoot", checked] as const,
  ];
  for (const [part, see] of parts) {
    const seen: Seen = await see().catch((error) => (
      { part, says: oneLine(error), isRight: false, lacks: [] }
    ));
    print(`${JSON.stringify(seen)}\n`);
  }
}
