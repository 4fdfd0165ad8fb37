/**
 * Packets are parked for long: a hook library waits for something outside of Kea.
 *
 * @module
 */

import { shareEvidence, timesEvidence } from "../evidence.ts";
import { isSlow } from "../facts.ts";
import type { Rule } from "../finding.ts";
import { LEAST_SHARE } from "../thresholds.ts";
import { percent } from "../words.ts";
import { updatesOf } from "./slow_partner.ts";

export const PARKED_PACKETS: Rule = {
  name: "parked_packets",
  find: (facts) => {
    if (!facts.hasEnoughPackets) return null;
    const [parked] = facts.histograms("packet_parked_time")
      .toSorted((a, b) => Number(b.sum) - Number(a.sum));
    if (parked === undefined) return null;
    const share = facts.share(Number(parked.sum));
    if (share < LEAST_SHARE || !isSlow([parked])) return null;
    const { labels } = parked;
    // High availability keeps a packet after its answer, until it uses that connection again.
    if (updatesOf(facts) !== undefined) return null;
    const where = `${percent(share)} of the packets' time they are parked at ${
      labels["hook_point"]
    }`;
    return {
      severity: "slow",
      damage: share,
      sentence: `${where}: a hook library waits for something outside of Kea.`,
      evidence: [
        shareEvidence(facts, "parked, of the packets' time", "packet_parked_time", labels),
        ...timesEvidence("a parked packet", parked),
      ],
      remedy: [
        "Look at what the library that parks packets asks: a RADIUS server, a database, a partner",
      ],
    };
  },
};
