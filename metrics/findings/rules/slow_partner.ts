/**
 * The partner of high availability takes long for each lease, so each client waits for it.
 *
 * @module
 */

import type { HistogramSeries } from "../../document.ts";
import { shareEvidence, timesEvidence } from "../evidence.ts";
import { type Facts, isSlow } from "../facts.ts";
import type { Rule } from "../finding.ts";
import { openWithout } from "../profiles.ts";
import { LEAST_SHARE } from "../thresholds.ts";
import { percent } from "../words.ts";

/** Kea's library of high availability: it parks each packet until the partner has its lease. */
const HIGH_AVAILABILITY = "libdhcp_ha.so";

export const SLOW_PARTNER: Rule = {
  name: "slow_partner",
  lacks: (facts) =>
    facts.hasEnoughPackets && hasPartner(facts)
      ? openWithout(
        facts,
        "partner_request_time",
        "standard",
        "how long the partner of high availability takes",
      )
      : null,
  find: (facts) => {
    const updates = updatesOf(facts);
    if (updates === undefined || !facts.hasEnoughPackets) return null;
    const share = facts.share(Number(updates.sum));
    if (share < LEAST_SHARE || !isSlow([updates])) return null;
    return {
      severity: "slow",
      damage: share,
      sentence: `The partner of high availability takes ${
        percent(share)
      } of the packets' time: a client gets its lease when the partner has it.`,
      evidence: [
        shareEvidence(
          facts,
          "lease updates, of the packets' time",
          "partner_request_time",
          updates.labels,
        ),
        ...timesEvidence("a lease update", updates),
      ],
      remedy: [
        "Watch the partner: if its `received lease_update` is as long, look at its lease file, CPU and hook libraries; " +
        "if not, at the network between the two",
      ],
    };
  },
};

/** Whether the server is one of a pair. */
function hasPartner({ document }: Facts): boolean {
  return document.server.setup?.hook_libraries.includes(HIGH_AVAILABILITY) ?? false;
}

/** The lease updates that the server sent to its partner; undefined if none was timed. */
export function updatesOf(facts: Facts): HistogramSeries | undefined {
  return facts.histograms("partner_request_time", {
    direction: "sent",
    command: "lease_update",
  })[0];
}
