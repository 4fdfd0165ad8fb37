/**
 * The control group's CPU quota holds the server back.
 *
 * @module
 */

import { exactEvidence } from "../evidence.ts";
import type { Rule } from "../finding.ts";
import { LEAST_THROTTLED, throttledShare, waitOf } from "../waits.ts";
import { LEAST_EVENTS } from "../thresholds.ts";
import { counted, percent } from "../words.ts";

export const CPU_QUOTA: Rule = {
  name: "cpu_quota",
  find: (facts) => {
    const share = throttledShare(facts);
    const periods = facts.total("cpu_throttled");
    if (share < LEAST_THROTTLED || periods < LEAST_EVENTS) return null;
    const wait = waitOf(facts, "run_queue", "waiting for a CPU, of the packets' time");
    const throttled = { mode: "throttled", thread: "all" };
    return {
      severity: "slow",
      damage: wait?.share ?? Math.min(1, share),
      sentence: "The CPU quota of its control group holds Kea back, in " +
        `${counted(periods, "period")}, for ${percent(share)} of the watched time.`,
      evidence: [
        ...wait?.evidence ?? [],
        exactEvidence("held back", "cpu_usage", throttled, "seconds", share * facts.seconds),
        exactEvidence("watched", "capture.watched_seconds", {}, "seconds", facts.seconds),
        exactEvidence("periods without quota left", "cpu_throttled", {}, "periods", periods),
      ],
      remedy: [
        "Raise the quota: CPUQuota= of Kea's unit, or the CPU limit of its container or pod",
        "A limit by weight (CPUWeight=, CPU requests) lets Kea use what others leave",
      ],
    };
  },
};
