/**
 * Kea's own packet queue was full.
 *
 * @module
 */

import { exactEvidence, receivedEvidence } from "../evidence.ts";
import type { Rule } from "../finding.ts";
import { droppedFromQueue, isLoss, knowsQueue, unexplained } from "../losses.ts";
import { UNANSWERED_SHARE } from "../thresholds.ts";
import { counted, percent } from "../words.ts";

export const PACKET_QUEUE: Rule = {
  name: "packet_queue",
  lacks: (facts) =>
    knowsQueue(facts) || !isLoss(unexplained(facts), facts.received, UNANSWERED_SHARE) ? null : {
      question: "whether Kea's packet queue was full",
      answer: "watch with deno task run, where Kea has a control socket: it reads Kea's counters",
    },
  find: (facts) => {
    const dropped = droppedFromQueue(facts);
    if (!isLoss(dropped, facts.received)) return null;
    const share = dropped / facts.received;
    return {
      severity: "lost",
      damage: share,
      sentence: `Kea dropped ${counted(dropped, "packet")} (${percent(share)}) that it had read: ` +
        "its packet queue was full.",
      evidence: [
        exactEvidence("dropped from the full queue", "ledger", {}, "packets", dropped),
        receivedEvidence(facts),
      ],
      remedy: [
        "All threads were busy: find out what takes their time, in the other findings here or with --profile deep",
        "If the threads wait rather than run, give Kea more of them: multi-threading, thread-pool-size",
        "For short bursts, a longer queue: multi-threading, packet-queue-size",
      ],
    };
  },
};
