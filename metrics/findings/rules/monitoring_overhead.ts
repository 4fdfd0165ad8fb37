/**
 * Monitoring itself costs too much on this host.
 *
 * @module
 */

import { exactEvidence } from "../evidence.ts";
import type { Rule } from "../finding.ts";
import { percent } from "../words.ts";

/** BPF programs take this share of a CPU, and this share of what Kea takes. */
const [LEAST_BPF, LEAST_OF_KEA] = [0.05, 0.5] as const;

/** The monitor and bpftrace take this share of a CPU. */
const LEAST_MONITOR = 0.5;

export const MONITORING_OVERHEAD: Rule = {
  name: "monitoring_overhead",
  find: ({ document, seconds, cpuSeconds }) => {
    const { cost, profile } = document.capture;
    if (cost === null || seconds === 0) return null;
    const bpf = cost.bpf_seconds / seconds;
    const isHeavy = bpf >= LEAST_BPF && cost.bpf_seconds >= LEAST_OF_KEA * cpuSeconds;
    const monitor = cost.monitor_cpu_ratio;
    if (!isHeavy && monitor < LEAST_MONITOR) return null;
    return {
      severity: "risk",
      damage: Math.min(1, Math.max(bpf, monitor)),
      sentence:
        `Monitoring takes ${percent(bpf + monitor)} of a CPU: ${
          percent(bpf)
        } in BPF programs, which all ` +
        `processes of the host run, and ${percent(monitor)} in the monitor.`,
      evidence: [
        exactEvidence("BPF programs", "capture.cost.bpf_seconds", {}, "seconds", cost.bpf_seconds),
        exactEvidence("runs of BPF programs", "capture.cost.hits", {}, "runs", cost.hits),
        exactEvidence("watched", "capture.watched_seconds", {}, "seconds", seconds),
        exactEvidence("CPU time of Kea", "cpu_usage", { thread: "all" }, "seconds", cpuSeconds),
      ],
      remedy: [
        ...profile === "light"
          ? [
            "Other processes make very many system calls or send very many packets, and each runs a program: watch for a shorter time",
          ]
          : ["Watch with --profile light, or for a shorter time"],
        "deno task bench:overhead and bench:samples measure the cost on this host",
      ],
    };
  },
};
