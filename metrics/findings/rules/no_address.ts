/**
 * No address was left to give.
 *
 * @module
 */

import { exactEvidence, receivedEvidence } from "../evidence.ts";
import type { Rule } from "../finding.ts";
import { isLoss, unexplained, withoutAddress } from "../losses.ts";
import { UNANSWERED_SHARE } from "../thresholds.ts";
import { counted, percent } from "../words.ts";

export const NO_ADDRESS: Rule = {
  name: "no_address",
  lacks: (facts) =>
    isLoss(unexplained(facts), facts.received, UNANSWERED_SHARE) &&
      facts.document.capture.profile === "light"
      ? { question: "whether addresses were left", answer: "watch with --profile standard" }
      : null,
  find: (facts) => {
    const failed = withoutAddress(facts);
    if (!isLoss(failed, facts.received)) return null;
    const share = Math.min(1, failed / facts.received);
    return {
      severity: "lost",
      damage: share,
      sentence:
        `${counted(failed, "request")} (${percent(share)} of the received packets) got no ` +
        "lease: no address was left for them.",
      evidence: [
        exactEvidence(
          "allocations that failed",
          "error_rate",
          { kind: "log" },
          "events",
          failed,
        ),
        receivedEvidence(facts),
      ],
      remedy: [
        "Look at Kea's log for ALLOC_ENGINE_V4_ALLOC_FAIL or ALLOC_ENGINE_V6_ALLOC_FAIL: it names the subnet",
        "Enlarge the pools of that subnet, or add one",
        "Shorten valid-lifetime, so that addresses of clients that are gone come back sooner",
      ],
    };
  },
};
