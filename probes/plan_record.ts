/**
 * A plan, as stored in a capture.
 *
 * @module
 */

import { basename } from "node:path";
import type { CaptureHeader, PlanRecord, ServerRecord } from "../metrics/capture.ts";
import type { Server } from "../discovery/types.ts";
import type { Bpftrace } from "./bpftrace.ts";
import { COST_PER_HIT_US } from "../discovery/costs.ts";
import type { Plan } from "./plan.ts";
import { operationsOf } from "./readings.ts";

/** The first record of a capture. */
export function headerOf(
  plan: Plan,
  { bpftrace, intervalMs, slow }: {
    readonly bpftrace: Bpftrace;
    readonly intervalMs: number;
    readonly slow?: { readonly thresholdNs: number };
  },
  started: Date,
): CaptureHeader {
  return {
    type: "capture",
    version: 2,
    tool: "kea-ebpf-monitoring",
    started: started.toISOString(),
    interval_seconds: intervalMs / 1000,
    profile: plan.profile,
    bpftrace: bpftrace.version,
    server: serverRecordOf(plan.server),
    plan: planRecordOf(plan),
    ...(slow === undefined ? {} : { slow_ns: slow.thresholdNs }),
  };
}

/** A server, as stored in a capture. */
export function serverRecordOf(server: Server): ServerRecord {
  const { family, pid, version, executable, host, threads, cpus, debugLoggers, workerThreads } =
    server;
  const hook_libraries = server.hookLibraries.map((path) => basename(path)).sort();
  const setup = {
    threads,
    cpus,
    ...workerThreads === null ? {} : { worker_threads: workerThreads },
    hook_libraries,
    ...debugLoggers === null ? {} : { debug_loggers: [...debugLoggers] },
  };
  return { family, pid, version, executable: executable.path, host, setup };
}

/** A plan, as stored in a capture; addresses in hexadecimal, costs in microseconds per hit. */
export function planRecordOf(plan: Plan): PlanRecord {
  return {
    files: plan.sources.map(({ file }) => file),
    sites: plan.sources.flatMap(({ sites }) =>
      sites.map(({ id, file, address, symbol, class: kind }) => ({
        id,
        file: file.path,
        address: `0x${address.toString(16)}`,
        symbol,
        class: kind,
        price_us: COST_PER_HIT_US[kind],
      }))
    ),
    operations: operationsOf(plan),
    stages: stagesOf(plan),
    forecast_us_per_exchange: Math.round(plan.forecast * 10) / 10,
    not_available: plan.notAvailable.map(({ metric, why }) => ({ metric, why })),
  };
}

function stagesOf({ sources }: Plan): PlanRecord["stages"] {
  const provided = new Set(sources.map(({ provides }) => provides));
  if (provided.has("stages")) return "fine";
  return provided.has("allocation") ? "coarse" : "none";
}
