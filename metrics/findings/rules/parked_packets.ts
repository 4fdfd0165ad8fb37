/**
 * Packets are parked for long: a hook library waits for something outside of Kea.
 *
 * @module
 */

import { meanNs, shareEvidence, timesEvidence } from "../evidence.ts";
import { areOftenLong } from "../facts.ts";
import type { Rule } from "../finding.ts";
import { openWithout } from "../profiles.ts";
import { LEAST_SHARE, LONG_STATEMENT_NS } from "../thresholds.ts";
import { percent } from "../words.ts";

/** The library of high availability parks each packet until the partner has its lease. */
const HIGH_AVAILABILITY = "libdhcp_ha.so";

export const PARKED_PACKETS: Rule = {
  name: "parked_packets",
  lacks: (facts) =>
    facts.hasEnoughPackets && hasPartner(facts.document.server.setup?.hook_libraries)
      ? openWithout(
        facts,
        "packet_parked_time",
        "deep",
        "how long packets wait for the partner of high availability",
      )
      : null,
  find: (facts) => {
    if (!facts.hasEnoughPackets) return null;
    const [parked] = facts.histograms("packet_parked_time")
      .toSorted((a, b) => Number(b.sum) - Number(a.sum));
    if (parked === undefined) return null;
    const share = facts.share(Number(parked.sum));
    // A partner in the next room takes milliseconds, as a database does.
    const isLong = meanNs([parked]) >= LONG_STATEMENT_NS && areOftenLong([parked]);
    if (share < LEAST_SHARE || !isLong) return null;
    const { labels } = parked;
    const isPair = hasPartner(facts.document.server.setup?.hook_libraries);
    const where = `${percent(share)} of the packets' time they are parked at ${
      labels["hook_point"]
    }`;
    return {
      severity: "slow",
      damage: share,
      sentence: isPair
        ? `${where}: the partner of high availability is slow, or far away.`
        : `${where}: a hook library waits for something outside of Kea.`,
      evidence: [
        shareEvidence(facts, "parked, of the packets' time", "packet_parked_time", labels),
        ...timesEvidence("a parked packet", parked),
      ],
      remedy: isPair
        ? [
          "Watch the partner: its lease file, its CPU, its hook libraries; then the network between the two",
          "Multi-threading between the servers lets more updates be under way: high-availability, multi-threading",
        ]
        : [
          "Look at what the library that parks packets asks: a RADIUS server, a database, a partner",
        ],
    };
  },
};

function hasPartner(libraries: readonly string[] = []): boolean {
  return libraries.includes(HIGH_AVAILABILITY);
}
