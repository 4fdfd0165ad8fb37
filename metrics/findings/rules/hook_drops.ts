/**
 * A hook library drops packets.
 *
 * @module
 */

import { counterEvidence, receivedEvidence } from "../evidence.ts";
import type { Rule } from "../finding.ts";
import { isLoss } from "../losses.ts";
import { UNANSWERED_SHARE } from "../thresholds.ts";
import { counted, percent } from "../words.ts";

export const HOOK_DROPS: Rule = {
  name: "hook_drops",
  find: (facts) => {
    const [worst] = facts.counters("hook_next_step", { next_step: "drop" });
    if (worst === undefined || !isLoss(worst.value, facts.received, UNANSWERED_SHARE)) return null;
    const { labels, value: dropped } = worst;
    const share = Math.min(1, dropped / facts.received);
    return {
      severity: "lost",
      damage: share,
      sentence: `The hook library ${labels["library"]} dropped ${counted(dropped, "packet")} ` +
        `(${percent(share)}) at ${labels["hook_point"]}.`,
      evidence: [
        counterEvidence("dropped by the callout", worst),
        receivedEvidence(facts),
      ],
      remedy: [
        "If that is not on purpose, look at the library's configuration: its rules, limits and lists",
      ],
    };
  },
};
