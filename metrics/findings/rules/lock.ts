/**
 * Threads wait for each other's locks.
 *
 * @module
 */

import { shareEvidence } from "../evidence.ts";
import type { Rule } from "../finding.ts";
import { waitOf } from "../waits.ts";
import { percent } from "../words.ts";
import { slowestLibrary } from "./slow_hook_library.ts";

export const LOCK: Rule = {
  name: "lock",
  find: (facts) => {
    const wait = waitOf(facts, "lock", "waiting for a lock, of the packets' time");
    if (wait === null) return null;
    const slowest = slowestLibrary(facts);
    // Its callouts take long enough to have these waits in them.
    const suspect = slowest !== null && facts.share(slowest.ns) >= 0.5 * wait.share
      ? slowest.library
      : null;
    return {
      severity: "slow",
      damage: wait.share,
      sentence: `${percent(wait.share)} of the packets' time threads wait for a lock` +
        (suspect === null ? "." : `, probably one of the hook library ${suspect}.`),
      evidence: [
        ...wait.evidence,
        ...suspect === null ? [] : [
          shareEvidence(
            facts,
            `callouts of ${suspect}, of the packets' time`,
            "hook_callout_time",
            {
              library: suspect,
            },
          ),
        ],
      ],
      remedy: [
        ...suspect === null
          ? ["Look at the longest stage in the report: what is done there under a lock?"]
          : [`Ask the authors of ${suspect}: what does it do while it holds its lock?`],
        "With fewer threads (multi-threading, thread-pool-size) fewer wait at the same time, and no fewer packets " +
        "are served",
      ],
    };
  },
};
