/**
 * Many requests are refused with a DHCPNAK.
 *
 * @module
 */

import { exactEvidence } from "../evidence.ts";
import { countOf } from "../facts.ts";
import type { Rule } from "../finding.ts";
import { LEAST_EVENTS } from "../thresholds.ts";
import { counted, percent } from "../words.ts";

/** Of the answers to DHCPREQUEST. */
const LEAST_NAKS = 0.1;

export const MANY_NAKS: Rule = {
  name: "many_naks",
  find: (facts) => {
    const message = "DHCPREQUEST";
    const labels = { message, answer: "DHCPNAK" };
    const naks = countOf(facts.histograms("packet_processing_time", labels));
    const answers = countOf(facts.histograms("packet_processing_time", { message }));
    const share = naks / answers;
    if (naks < LEAST_EVENTS || share < LEAST_NAKS) return null;
    return {
      severity: "risk",
      damage: share,
      sentence:
        `${counted(naks, "request")} (${
          percent(share)
        }) got a DHCPNAK: their clients must begin again, ` +
        "with a DHCPDISCOVER.",
      evidence: [
        exactEvidence("answered with DHCPNAK", "packet_processing_time", labels, "packets", naks),
        exactEvidence("answered", "packet_processing_time", { message }, "packets", answers),
      ],
      remedy: [
        "Clients ask for an address that this server does not give them: did pools, subnets or relays change?",
        "With two servers on one network: which is authoritative, and do they know each other's leases?",
        "Kea's log has the reason of each: DHCP4_PACKET_NAK_0001 to 0005",
      ],
    };
  },
};
