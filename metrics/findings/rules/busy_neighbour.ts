/**
 * Other processes use the server's CPUs.
 *
 * @module
 */

import type { Rule } from "../finding.ts";
import { openWithout } from "../profiles.ts";
import { cpuWaitOf } from "../waits.ts";
import { percent } from "../words.ts";

export const BUSY_NEIGHBOUR: Rule = {
  name: "busy_neighbour",
  lacks: (facts) =>
    facts.hasEnoughPackets
      ? openWithout(
        facts,
        "packet_wait_time",
        "deep",
        "what packets wait for: a CPU, a lock, a disk, the network or memory",
      )
      : null,
  find: (facts) => {
    const wait = cpuWaitOf(facts);
    if (wait === null || wait.isOwnLoad) return null;
    return {
      severity: "slow",
      damage: wait.share,
      sentence:
        `${percent(wait.share)} of the packets' time Kea's threads wait for a CPU, because other ` +
        "processes use it.",
      evidence: wait.evidence,
      remedy: [
        "See who uses the CPUs (top, pidstat), and move it away or limit it: CPUQuota=, nice, CPUAffinity=",
        "Give Kea a greater share: CPUWeight=1000 in its unit, or CPUs of its own: CPUAffinity=",
        "On a virtual machine, give it more CPUs",
      ],
    };
  },
};
