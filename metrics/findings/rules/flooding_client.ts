/**
 * One client sends a good part of all packets.
 *
 * @module
 */

import { counterEvidence, exactEvidence, receivedEvidence } from "../evidence.ts";
import type { Rule } from "../finding.ts";
import { isLoss } from "../losses.ts";
import { LEAST_REPEATED } from "../thresholds.ts";
import { counted, percent } from "../words.ts";

/** So many packets, so many per second, and this share of all: no client needs a hundredth of it. */
const [LEAST_PACKETS, LEAST_PER_SECOND, LEAST_SHARE] = [100, 1, 0.2] as const;

export const FLOODING_CLIENT: Rule = {
  name: "flooding_client",
  lacks: (facts) => {
    const isBusy = facts.errors("kernel_drop") > 0 ||
      isLoss(facts.total("retransmissions"), facts.received, LEAST_REPEATED);
    return isBusy && !facts.has("client_requests")
      ? { question: "whether one client sends most of the packets", answer: "watch with --top 10" }
      : null;
  },
  find: (facts) => {
    const [most] = facts.counters("client_requests");
    if (most === undefined) return null;
    const share = most.value / Math.max(1, facts.received);
    const isFlood = most.value >= LEAST_PACKETS && share >= LEAST_SHARE &&
      most.value >= LEAST_PER_SECOND * facts.seconds;
    if (!isFlood) return null;
    const { client, count } = most.labels;
    const isBound = count === "at least";
    return {
      severity: "risk",
      damage: Math.min(1, share),
      sentence:
        `One client, ${client}, sends ${isBound ? "at least " : ""}${
          percent(Math.min(1, share))
        } of the ` +
        `packets: ${counted(most.value, "request")}.`,
      evidence: [
        counterEvidence(`requests of ${client}${isBound ? ", at least" : ""}`, most),
        receivedEvidence(facts),
        exactEvidence("watched", "capture.watched_seconds", {}, "seconds", facts.seconds),
      ],
      remedy: [
        "See what this client is, and why it asks again and again: does it accept the answer?",
        "Limit it: a class that drops it (DROP), a limits hook library, or the switch port",
      ],
    };
  },
};
