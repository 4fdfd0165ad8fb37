/**
 * Other processes use the server's CPUs.
 *
 * @module
 */

import type { Rule } from "../finding.ts";
import { howToGet } from "../profiles.ts";
import { cpuEvidence, cpuShare, throttledShare, waitOf } from "../run_queue.ts";
import { percent } from "../words.ts";

/** Held back as much by its own quota, it is not its neighbours'. */
const MOST_THROTTLED = 0.01;

/** A server that uses so much of its CPUs waits for itself. */
export const OWN_LOAD = 0.5;

export const BUSY_NEIGHBOUR: Rule = {
  name: "busy_neighbour",
  lacks: (facts) =>
    !facts.hasEnoughPackets || facts.has("packet_wait_time") ? null : {
      question: "what packets wait for: a CPU, a lock, a disk, the network or memory",
      answer: howToGet(facts, "packet_wait_time", "deep"),
    },
  find: (facts) => {
    if (throttledShare(facts) >= MOST_THROTTLED) return null;
    const own = cpuShare(facts);
    if (own !== null && own >= OWN_LOAD) return null;
    const wait = waitOf(facts, "run_queue", "waiting for a CPU, of the packets' time");
    if (wait === null) return null;
    return {
      severity: "slow",
      damage: wait.share,
      sentence:
        `${percent(wait.share)} of the packets' time Kea's threads wait for a CPU, because other ` +
        "processes use it.",
      evidence: [...wait.evidence, ...cpuEvidence(facts)],
      remedy: [
        "See who uses the CPUs (top, pidstat), and move it away or limit it: CPUQuota=, nice, CPUAffinity=",
        "Give Kea a greater share: CPUWeight=1000 in its unit, or CPUs of its own: CPUAffinity=",
        "On a virtual machine, give it more CPUs",
      ],
    };
  },
};
