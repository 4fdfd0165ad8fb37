/**
 * Kea throws exceptions because packets are malformed.
 *
 * @module
 */

import { counterEvidence, exactEvidence, receivedEvidence } from "../evidence.ts";
import type { Rule } from "../finding.ts";
import { LEAST_EVENTS } from "../thresholds.ts";
import { counted, percent } from "../words.ts";

/** What malformed packets make Kea throw. Others are thrown in daily work: by its HTTP client, by a database. */
const OF_PACKETS = /^isc::(dhcp::\w+|Unexpected|BadValue|OutOfRange)$/;

/** Per received packet. */
const LEAST_EXCEPTIONS = 0.01;

/** The most types that are shown. */
const MOST_TYPES = 3;

export const EXCEPTIONS: Rule = {
  name: "exceptions",
  find: (facts) => {
    const types = facts.counters("error_rate", { kind: "exception" })
      .filter(({ labels }) => OF_PACKETS.test(labels["id"] ?? ""));
    const thrown = types.reduce((sum, { value }) => sum + value, 0);
    const foreign = facts.errors("not_dhcp");
    const packets = Math.max(1, facts.received + foreign);
    if (thrown < LEAST_EVENTS || thrown < LEAST_EXCEPTIONS * packets) return null;
    return {
      severity: "risk",
      damage: Math.min(1, thrown / packets),
      sentence:
        `Kea threw ${counted(thrown, "exception")} (${percent(thrown / packets)} of the received ` +
        "packets): it gets malformed packets.",
      evidence: [
        ...types.slice(0, MOST_TYPES).map((type) =>
          counterEvidence(`thrown: ${type.labels["id"]}`, type)
        ),
        ...foreign === 0
          ? []
          : [exactEvidence("not DHCP", "error_rate", { kind: "not_dhcp" }, "packets", foreign)],
        receivedEvidence(facts),
      ],
      remedy: [
        "See who sends them: deno task monitor --profile deep counts Kea's reasons, tcpdump -i IFACE -w FILE port 67 " +
        "records the packets",
        "A broken client or relay costs Kea more per packet than a good one",
      ],
    };
  },
};
