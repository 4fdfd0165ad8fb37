/**
 * Requests without an answer whose reason is not known.
 *
 * @module
 */

import { counterEvidence, exactEvidence } from "../evidence.ts";
import type { Rule } from "../finding.ts";
import { isLoss, unanswered, unexplained } from "../losses.ts";
import { UNANSWERED_SHARE } from "../thresholds.ts";
import { counted, percent } from "../words.ts";

/** The most of Kea's own counters and warnings that are shown. */
const MOST_REASONS = 5;

export const UNANSWERED: Rule = {
  name: "unanswered",
  find: (facts) => {
    const lost = unexplained(facts);
    if (!isLoss(lost, facts.received, UNANSWERED_SHARE)) return null;
    const share = lost / facts.received;
    const late = facts.errors("late");
    const reasons = ["log", "statistic"].flatMap((kind) => facts.counters("error_rate", { kind }))
      .filter(({ labels }) => labels["severity"] !== "INFO").slice(0, MOST_REASONS);
    return {
      severity: "lost",
      damage: share,
      sentence: `${counted(lost, "request")} (${percent(share)} of the received packets) got no ` +
        "answer for 5 s, and the reason is not known.",
      evidence: [
        exactEvidence(
          "without an answer",
          "error_rate",
          { kind: "unanswered" },
          "requests",
          unanswered(facts),
        ),
        ...late === 0
          ? []
          : [exactEvidence("answered later", "error_rate", { kind: "late" }, "requests", late)],
        ...reasons.map((reason) => counterEvidence(`Kea counted ${reason.labels["id"]}`, reason)),
      ],
      remedy: [
        ...facts.document.capture.profile === "deep"
          ? ["Look at Kea's counters and its log in the summary: deno task viz"]
          : ["Watch with --profile deep: it counts Kea's own reasons"],
        "Requests for other servers, and those of a class that Kea drops, get no answer on purpose",
      ],
    };
  },
};
