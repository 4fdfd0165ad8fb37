/**
 * The server waits for memory that must be read from a disk first.
 *
 * @module
 */

import { exactEvidence } from "../evidence.ts";
import type { Rule } from "../finding.ts";
import { waitOf } from "../waits.ts";
import { LEAST_EVENTS } from "../thresholds.ts";
import { counted, percent } from "../words.ts";

/** Page faults from a disk, per received packet. */
const LEAST_FAULTS = 0.01;

export const PAGING: Rule = {
  name: "paging",
  find: (facts) => {
    const wait = waitOf(facts, "memory", "waiting for memory, of the packets' time");
    const labels = { kind: "major" };
    const faults = facts.total("memory_usage", labels, "faults");
    const isPaging = faults >= LEAST_EVENTS && faults >= LEAST_FAULTS * facts.received;
    if (wait === null && !isPaging) return null;
    const swap = facts.total("memory_usage", { kind: "swap" }, "bytes");
    return {
      severity: wait === null ? "risk" : "slow",
      damage: wait?.share ?? Math.min(1, faults / Math.max(1, facts.received)),
      sentence: wait === null
        ? `Kea read ${
          counted(faults, "page")
        } of its memory from a disk: the host is short of memory.`
        : `${percent(wait.share)} of the packets' time Kea waits for its own memory: page faults.`,
      evidence: [
        ...wait?.evidence ?? [],
        exactEvidence("page faults from a disk", "memory_usage", labels, "faults", faults),
        exactEvidence("swapped out at the end", "memory_usage", { kind: "swap" }, "bytes", swap),
      ],
      remedy: [
        "Give the host or Kea's control group more memory: see free -m, and MemoryMax= of its unit",
        "Keep Kea in memory: MemorySwapMax=0 and MemoryLow= in its unit",
      ],
    };
  },
};
