/**
 * Kea throws exceptions because packets are malformed.
 *
 * @module
 */

import { countEvidence } from "../evidence.ts";
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
    const types = facts.document.totals.flatMap((series) =>
      series.kind === "counter" && series.labels["kind"] === "exception" &&
        OF_PACKETS.test(series.labels["id"] ?? "")
        ? [series]
        : []
    ).toSorted((a, b) => Number(b.value) - Number(a.value));
    const thrown = types.reduce((sum, { value }) => sum + Number(value), 0);
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
        ...types.slice(0, MOST_TYPES).map(({ metric, labels, unit, value }) =>
          countEvidence(`thrown: ${labels["id"]}`, metric, labels, unit, Number(value))
        ),
        ...foreign === 0
          ? []
          : [countEvidence("not DHCP", "error_rate", { kind: "not_dhcp" }, "packets", foreign)],
        countEvidence("received by Kea", "network_traffic", {}, "packets", facts.received),
      ],
      remedy: [
        "See who sends them: deno task monitor --profile deep counts Kea's reasons, tcpdump -i IFACE -w FILE port 67 " +
        "records the packets",
        "A broken client or relay costs Kea more per packet than a good one",
      ],
    };
  },
};
