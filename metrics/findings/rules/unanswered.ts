/**
 * Requests without an answer whose reason is not known.
 *
 * @module
 */

import { countEvidence } from "../evidence.ts";
import type { Rule } from "../finding.ts";
import { isLoss, unanswered, unexplained } from "../losses.ts";
import { UNANSWERED_SHARE } from "../thresholds.ts";
import { counted, percent } from "../words.ts";

export const UNANSWERED: Rule = {
  name: "unanswered",
  find: (facts) => {
    const lost = unexplained(facts);
    if (!isLoss(lost, facts.received, UNANSWERED_SHARE)) return null;
    const share = lost / facts.received;
    const late = facts.errors("late");
    const warnings = facts.document.totals.flatMap((series) =>
      series.kind === "counter" && ["log", "statistic"].includes(series.labels["kind"] ?? "") &&
        Number(series.value) > 0 && series.labels["severity"] !== "INFO"
        ? [series]
        : []
    ).toSorted((a, b) => Number(b.value) - Number(a.value)).slice(0, 3);
    return {
      severity: "lost",
      damage: share,
      sentence: `${counted(lost, "request")} (${percent(share)} of the received packets) got no ` +
        "answer for 5 s, and the reason is not known.",
      evidence: [
        countEvidence(
          "without an answer",
          "error_rate",
          { kind: "unanswered" },
          "requests",
          unanswered(facts),
        ),
        ...late === 0
          ? []
          : [countEvidence("answered later", "error_rate", { kind: "late" }, "requests", late)],
        ...warnings.map(({ metric, labels, unit, value }) =>
          countEvidence(`Kea counted ${labels["id"]}`, metric, labels, unit, Number(value))
        ),
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
