/**
 * Clients or relays repeat requests that are not answered yet.
 *
 * @module
 */

import { exactEvidence, receivedEvidence } from "../evidence.ts";
import type { Rule } from "../finding.ts";
import { LEAST_EVENTS, LEAST_REPEATED } from "../thresholds.ts";
import { counted, percent } from "../words.ts";

export const RETRANSMISSIONS: Rule = {
  name: "retransmissions",
  find: (facts) => {
    const repeated = facts.total("retransmissions");
    const share = repeated / Math.max(1, facts.received);
    if (repeated < LEAST_EVENTS || share < LEAST_REPEATED) return null;
    return {
      severity: "slow",
      damage: Math.min(1, share),
      sentence:
        `${counted(repeated, "request")} (${
          percent(share)
        } of the received packets) came again before ` +
        "they were answered.",
      evidence: [
        exactEvidence("requests that came again", "retransmissions", {}, "requests", repeated),
        receivedEvidence(facts),
      ],
      remedy: [
        "If Kea loses or delays packets, other findings say so: answered in time, no client asks again",
        "If Kea is fast, a client or a relay repeats too soon, or Kea does not answer it on purpose",
      ],
      isConsequence: true,
    };
  },
};
