/**
 * Requests come again and again through one relay, although Kea has answered them.
 *
 * @module
 */

import { counterEvidence, exactEvidence } from "../evidence.ts";
import type { Rule } from "../finding.ts";
import { LEAST_EVENTS } from "../thresholds.ts";
import { counted, percent } from "../words.ts";

/** Of a relay's requests: some clients always ask again. */
const LEAST_SHARE = 0.2;

export const REPEATING_RELAY: Rule = {
  name: "repeating_relay",
  find: (facts) => {
    const [most] = facts.counters("relay_retransmissions");
    if (most === undefined) return null;
    const relay = most.labels["relay"]!;
    const requests = facts.total("relay_requests", { relay });
    const unanswered = facts.total("retransmissions");
    const again = most.value - unanswered;
    const share = most.value / Math.max(1, requests);
    if (again < LEAST_EVENTS || again / Math.max(1, requests) < LEAST_SHARE) return null;
    return {
      severity: "risk",
      damage: Math.min(1, most.value / Math.max(1, facts.received)),
      sentence:
        `${percent(Math.min(1, share))} of the requests through the relay ${relay} repeat one of ` +
        `the last 10 s, and not for want of an answer: ${counted(most.value, "request")}.`,
      evidence: [
        counterEvidence(`requests that came again through ${relay}`, most),
        exactEvidence(
          `requests through ${relay}`,
          "relay_requests",
          { relay },
          "requests",
          requests,
        ),
        exactEvidence(
          "requests that came again before they were answered, of all",
          "retransmissions",
          {},
          "requests",
          unanswered,
        ),
      ],
      remedy: [
        `See whether Kea's answers reach the clients: the way back to ${relay}, and firewalls on it (UDP)`,
        "See whether the relay's network has a second relay with the same address, or a loop",
      ],
    };
  },
};
