/**
 * What packets' threads wait for, and whose load a wait for a CPU is.
 *
 * @module
 */

import { areOftenLong, countOf, type Facts } from "./facts.ts";
import type { Evidence } from "./finding.ts";
import { exactEvidence, shareEvidence } from "./evidence.ts";
import { LEAST_SHARE } from "./thresholds.ts";
import type { MetricName } from "../metric_names.ts";
import type { Labels } from "../totals.ts";
import type { Cause } from "../waits.ts";

/** A wait that takes a good part of the packets' time, often long. */
export interface Wait {
  /** Of the time that threads spent on packets. */
  readonly share: number;
  readonly evidence: readonly Evidence[];
}

/** A cause of waits that is worth a finding; null if it is not, or was not measured. */
export function waitOf(facts: Facts, cause: Cause, what: string): Wait | null {
  if (!facts.hasEnoughPackets) return null;
  const series = facts.histograms("packet_wait_time", { cause });
  const share = facts.share(facts.ns("packet_wait_time", { cause }));
  const packets = countOf(facts.histograms("packet_wait_time", { cause: "running" }));
  if (share < LEAST_SHARE || !areOftenLong(series, packets)) return null;
  return { share, evidence: [shareEvidence(facts, what, "packet_wait_time", { cause })] };
}

const RUN_QUEUE = ["packet_wait_time", { cause: "run_queue" }] as const;

/** A server whose packets wait for a CPU. */
export interface CpuWait extends Wait {
  /** Whether it is its own threads that use the CPUs: then it uses at least half of them meanwhile. */
  readonly isOwnLoad: boolean;
}

/** From here on, a server waits for itself. */
export const OWN_LOAD = 0.5;

/** Whether packets wait for a CPU because the server or others use it; null if they do not, or a quota is the reason. */
export function cpuWaitOf(facts: Facts): CpuWait | null {
  if (throttledShare(facts) >= LEAST_THROTTLED) return null;
  const wait = waitOf(facts, "run_queue", "waiting for a CPU, of the packets' time");
  if (wait === null) return null;
  const own = cpuShareWhile(facts, ...RUN_QUEUE);
  const pressure = { resource: "cpu", kind: "some" };
  return {
    share: wait.share,
    isOwnLoad: own !== null && own >= OWN_LOAD,
    evidence: [
      ...wait.evidence,
      ...own === null ? [] : [
        exactEvidence(
          "Kea's use of the CPUs that it may run on, meanwhile",
          "cpu_usage",
          { thread: "all" },
          "ratio",
          own,
        ),
      ],
      exactEvidence(
        "something on the host waited for a CPU, meanwhile",
        "host_pressure",
        pressure,
        "ratio",
        facts.meanWhile(
          ...RUN_QUEUE,
          (window) => Math.min(1, window.total("host_pressure", pressure) / window.seconds),
        ),
      ),
    ],
  };
}

/**
 * The server's use of the CPUs that it may run on, from 0 to 1, while packets waited somewhere; null if it is not
 * known how many it has.
 */
export function cpuShareWhile(facts: Facts, metric: MetricName, labels: Labels): number | null {
  const cpus = facts.document.server.setup?.cpus;
  if (cpus === undefined) return null;
  return facts.meanWhile(
    metric,
    labels,
    ({ cpuSeconds, seconds }) => cpuSeconds / (cpus * seconds),
  );
}

/** Held back so much of the time, the server has a quota that is too small. */
export const LEAST_THROTTLED = 0.01;

/** How long the kernel held the server's control group back because its quota was used up. */
export function throttledShare(facts: Facts): number {
  const seconds = facts.total("cpu_usage", { mode: "throttled" }, "seconds");
  return facts.seconds === 0 ? 0 : seconds / facts.seconds;
}
