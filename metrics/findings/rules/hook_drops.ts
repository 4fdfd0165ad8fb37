/**
 * A hook library drops packets.
 *
 * @module
 */

import { countEvidence } from "../evidence.ts";
import type { Rule } from "../finding.ts";
import { isLoss } from "../losses.ts";
import { UNANSWERED_SHARE } from "../thresholds.ts";
import { counted, percent } from "../words.ts";

export const HOOK_DROPS: Rule = {
  name: "hook_drops",
  find: (facts) => {
    const [worst] = facts.document.totals.flatMap(({ labels, ...series }) =>
      series.metric === "hook_next_step" && series.kind === "counter" &&
        labels["next_step"] === "drop"
        ? [{ labels, dropped: Number(series.value) }]
        : []
    ).toSorted((a, b) => b.dropped - a.dropped);
    if (worst === undefined || !isLoss(worst.dropped, facts.received, UNANSWERED_SHARE)) {
      return null;
    }
    const { labels, dropped } = worst;
    const share = Math.min(1, dropped / facts.received);
    return {
      severity: "lost",
      damage: share,
      sentence: `The hook library ${labels["library"]} dropped ${counted(dropped, "packet")} ` +
        `(${percent(share)}) at ${labels["hook_point"]}.`,
      evidence: [
        countEvidence("dropped by the callout", "hook_next_step", labels, "packets", dropped),
        countEvidence("received by Kea", "network_traffic", {}, "packets", facts.received),
      ],
      remedy: [
        "If that is not on purpose, look at the library's configuration: its rules, limits and lists",
      ],
    };
  },
};
