/**
 * Waits for a disk or the network that are not those of the lease file, SQL or a hook library.
 *
 * @module
 */

import type { Facts } from "../facts.ts";
import type { Rule } from "../finding.ts";
import { waitOf } from "../waits.ts";
import { LEAST_SHARE } from "../thresholds.ts";
import { percent } from "../words.ts";

/** The threads' time in places that have findings of their own, nanoseconds. */
const knownNs = (facts: Facts) => facts.ns("database_query_time") + facts.ns("hook_callout_time");

function otherWait(cause: "disk" | "network", remedy: readonly string[]): Rule {
  return {
    name: `other_${cause}`,
    find: (facts) => {
      const wait = waitOf(facts, cause, `waiting for a ${cause}, of the packets' time`);
      if (wait === null) return null;
      const share = wait.share - facts.share(knownNs(facts));
      if (share < LEAST_SHARE) return null;
      return {
        severity: "slow",
        damage: share,
        sentence: `${percent(share)} of the packets' time Kea's threads wait for ` +
          `${
            cause === "disk" ? "a disk" : "the network"
          }, and neither for a lease database nor in a hook library.`,
        evidence: wait.evidence,
        remedy,
      };
    },
  };
}

export const OTHER_DISK: Rule = otherWait("disk", [
  "Kea's log is the other file that it writes: loggers, output-options; is that disk slow?",
]);

export const OTHER_NETWORK: Rule = otherWait("network", [
  "Name service updates, a syslog server, hosts in a database: what else does Kea ask while it serves a packet?",
]);
