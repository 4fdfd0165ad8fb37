/**
 * Why packets' threads wait for a CPU.
 *
 * @module
 */

import { areOftenLong, countOf, type Facts } from "./facts.ts";
import type { Evidence } from "./finding.ts";
import { countEvidence, shareEvidence } from "./evidence.ts";
import { LEAST_SHARE } from "./thresholds.ts";
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

/** How the threads of a server share its CPUs with others. */
export function cpuEvidence(facts: Facts): Evidence[] {
  const cpus = facts.document.server.setup?.cpus;
  const pressure = { resource: "cpu", kind: "some" };
  return [
    countEvidence("CPU time of Kea", "cpu_usage", { thread: "all" }, "seconds", facts.cpuSeconds),
    ...cpus === undefined ? [] : [
      countEvidence("CPUs that it may use", "server.setup.cpus", {}, "CPUs", cpus),
    ],
    countEvidence("watched", "capture.watched_seconds", {}, "seconds", facts.seconds),
    ...facts.has("host_pressure", pressure)
      ? [countEvidence(
        "something on the host waited for a CPU",
        "host_pressure",
        pressure,
        "seconds",
        facts.total("host_pressure", pressure),
      )]
      : [],
  ];
}

/** The server's use of its CPUs, from 0 to 1; null if it is not known how many it has. */
export function cpuShare({ document, cpuSeconds, seconds }: Facts): number | null {
  const cpus = document.server.setup?.cpus;
  return cpus === undefined || seconds === 0 ? null : cpuSeconds / (cpus * seconds);
}

/** How long the kernel held the server's control group back because its quota was used up. */
export function throttledShare(facts: Facts): number {
  const seconds = facts.total("cpu_usage", { mode: "throttled" }, "seconds");
  return facts.seconds === 0 ? 0 : seconds / facts.seconds;
}
