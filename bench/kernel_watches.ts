#!/usr/bin/env -S deno run -A
/**
 * What `deno task test:kernels` runs in each virtual machine: a lab of its Kea, watched in every profile and by the
 * exporter, and checked by the troubleshooter. Its argument is the kernel that must run. Prints a line of JSON
 * for each.
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
import { judged, runCombination } from "./matrix.ts";
import { MeasuredExporter } from "./measured_exporter.ts";

const PROFILES = ["light", "standard", "deep"] as const satisfies readonly Profile[];

/** What is looked at, in this order. */
export const PARTS = ["host", ...PROFILES, "exporter", "troubleshoot"] as const;

/** What was seen of one part. */
export interface Seen {
  readonly part: typeof PARTS[number];
  /** For the table. */
  readonly says: string;
  /** Whether it is what it must be. */
  readonly isRight: boolean;
  /** What is not available, and why. */
  readonly lacks: readonly string[];
}

/** A prime number; a machine without hardware's help answers some packets each second. */
const LOAD = { exchanges: 101, rate: 10, patience: 60 };

/** The lab's Kea: that of this machine. */
const LAB = { kea: "2.2", family: 4, sockets: "raw", threads: 2 } as const;

const READING_SECONDS = 2;

/** How long the exporter may take to count what was answered, milliseconds. */
const COUNTED_LIMIT_MS = 120_000;

async function watched(profile: typeof PROFILES[number]): Promise<Seen> {
  const outcome = await runCombination({ ...LAB, profile }, LOAD);
  const { kea, bpftrace, document } = outcome;
  const { isExact, words } = judged(outcome);
  return {
    part: profile,
    says: `${words}; Kea ${kea}; bpftrace ${bpftrace}`,
    isRight: isExact,
    lacks: document.capture.not_available.filter(({ why }) => !why.startsWith("needs --profile"))
      .map(({ metric, why }) => `${metric}: ${why}`),
  };
}

async function exported(): Promise<Seen> {
  await using lab = await startLab(LAB);
  await using exporter = await MeasuredExporter.start(lab, [
    ...["--server", String(lab.pid), "--reading", String(READING_SECONDS)],
  ]);
  await exporter.untilReady();
  const report = await runPerfdhcp(lab, LOAD);
  const sent = Object.values(report).reduce((sum, { sent }) => sum + sent, 0);
  const limit = performance.now() + COUNTED_LIMIT_MS;
  const counted = () => exporter.sum("packets_received_total");
  while (await counted() < sent && performance.now() < limit) await pause(1000);
  // No packet is counted again.
  await pause(2 * READING_SECONDS * 1000);
  const received = await counted();
  return {
    part: "exporter",
    says: `${received} of ${sent} received`,
    isRight: sent >= 2 * LOAD.exchanges && received === sent,
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
    isRight: conclusion.healthy,
    lacks: findings.filter(({ status }) => status === "problem" || status === "not_known")
      .map(({ check, found }) => `${check}: ${found}`),
  };
}

/** @param kernel that this machine must have. */
function host(kernel: string): Promise<Seen> {
  const release = Deno.osRelease();
  return Promise.resolve({
    part: "host",
    says: `Linux ${release}`,
    isRight: kernel === "newest" || release.startsWith(`${kernel}.`),
    lacks: [],
  });
}

const SEE: Readonly<Record<Seen["part"], (kernel: string) => Promise<Seen>>> = {
  host,
  light: () => watched("light"),
  standard: () => watched("standard"),
  deep: () => watched("deep"),
  exporter: exported,
  troubleshoot: checked,
};

if (import.meta.main) {
  for (const part of PARTS) {
    const seen: Seen = await SEE[part](Deno.args[0]!).catch((error) => (
      { part, says: oneLine(error), isRight: false, lacks: [] }
    ));
    print(`${JSON.stringify(seen)}\n`);
  }
}
