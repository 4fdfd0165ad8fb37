/** What `explain` says of a lab under load. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { keaStatistics } from "../../discovery/control_channel.ts";
import type { CaptureRecord } from "../../metrics/capture.ts";
import { documentOf } from "../../metrics/document_builder.ts";
import { explain, type Explanation } from "../../metrics/findings/findings.ts";
import { isAccounted } from "../../metrics/kea_statistics.ts";
import { explanationText } from "../../tools/explain/explanation_text.ts";
import { type CpuGroup, cpuGroup } from "../../tools/lab/cpu_group.ts";
import { bpftraceOf, type KEAS } from "../../tools/lab/kea_builds.ts";
import type { Lab } from "../../tools/lab/lab.ts";
import { type Load, runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { type Watching, watchWhile } from "../../tools/lab/watch_while.ts";
import { childrenOf, must, runs } from "./run_script.ts";

/** A load, and what happens meanwhile. */
export interface ExplainedLoad extends Partial<Load>, Partial<Watching> {
  readonly kea?: keyof typeof KEAS;
  /** In place of the load. */
  readonly work?: () => Promise<unknown>;
  /** Beside the load. */
  readonly meanwhile?: () => Promise<unknown>;
}

/** Watches a load with all that can be watched, reads Kea's counters as `run` does, and explains it. */
export async function explained(
  lab: Lab,
  { kea = "2.2", work, meanwhile, ...options }: ExplainedLoad = {},
): Promise<Explanation> {
  const load = { rate: 40, exchanges: 101, ...options };
  const records: CaptureRecord[] = [];
  const before = await keaStatistics(lab.controlSocket);
  await watchWhile(lab, {
    profile: "deep",
    bpftrace: await bpftraceOf(kea),
    ...options,
    see: (record) => records.push(withoutOwnCpu(record)),
  }, () => Promise.all([work?.() ?? runPerfdhcp(lab, load), meanwhile?.()]));
  const statistics: Record<string, number> = {};
  for (const [name, value] of Object.entries(await keaStatistics(lab.controlSocket))) {
    if (isAccounted(name)) statistics[name] = value - (before[name] ?? 0);
  }
  const traffic = { type: "traffic", elapsed_ns: 0, client: null, statistics } as const;
  const document = await documentOf([...records.slice(0, -1), traffic, records.at(-1)!]);
  const explanation = explain(document);
  console.log(explanationText(document, explanation, false));
  return explanation;
}

/** The CPU time of the monitor is that of this process, which does more than a monitor: the lab is in it, too. */
function withoutOwnCpu(record: CaptureRecord): CaptureRecord {
  if (record.type !== "sample" || !record.cost) return record;
  return { ...record, cost: { ...record.cost, monitor_cpu_seconds: 0 } };
}

/** A cause is found, and it is the worst; returns the sentence. */
export function assertFirst({ findings }: Explanation, rule: string): string {
  assert.equal(findings[0]?.rule, rule, JSON.stringify(findings, null, 2));
  return findings[0]!.sentence;
}

/** A server and its database come before all other work of this machine. */
export async function undisturbed(lab: Lab): Promise<CpuGroup> {
  return await cpuGroup(await processesOf(lab), null);
}

/** They never wait for a CPU; only for a server that leaves it soon. */
export async function realTime(lab: Lab, priority = 20): Promise<void> {
  for (const pid of await processesOf(lab)) {
    await must("chrt", "-a", "-f", "-p", String(priority), String(pid)).catch((error) => {
      // A database starts some processes for a moment.
      if (runs(pid)) throw error;
    });
  }
}

/** A server, and its PostgreSQL if it has one. */
async function processesOf(lab: Lab): Promise<number[]> {
  if (lab.database === null) return [lab.pid];
  const postmaster = await postmasterOf(lab);
  return [lab.pid, postmaster, ...await childrenOf(postmaster)];
}

/** The first process of a lab's PostgreSQL. */
export async function postmasterOf({ directory }: Lab): Promise<number> {
  const file = join(directory, "database", "data", "postmaster.pid");
  return Number((await Deno.readTextFile(file)).split("\n")[0]);
}

/** A server runs on one CPU alone. */
export async function onOneCpu({ pid }: Lab): Promise<void> {
  await must("taskset", "-a", "-c", "-p", "0", String(pid));
}
