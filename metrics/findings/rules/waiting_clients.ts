/**
 * Clients have waited long before their request came.
 *
 * @module
 */

import type { HistogramSeries } from "../../document.ts";
import { exactEvidence } from "../evidence.ts";
import { countOf } from "../facts.ts";
import type { Rule } from "../finding.ts";
import { LEAST_EVENTS } from "../thresholds.ts";
import { counted, percent } from "../words.ts";

/** A client that has asked twice in vain has waited for 8 s and more (RFC 2131, 4.1). */
const LONG_SECONDS = 8;

/** Of all requests. */
const LEAST_WAITING = 0.1;

/** How many of the unit of `client_waiting_time` a second has. */
const PER_SECOND: Readonly<Record<string, number>> = { s: 1, cs: 100 };

export const WAITING_CLIENTS: Rule = {
  name: "waiting_clients",
  find: (facts) => {
    const series = facts.histograms("client_waiting_time");
    const long = series.reduce((sum, each) => sum + longIn(each), 0);
    const all = countOf(series);
    if (long < LEAST_EVENTS || long < LEAST_WAITING * all) return null;
    const repeated = facts.total("retransmissions");
    return {
      severity: "slow",
      damage: long / all,
      sentence:
        `${counted(long, "request")} (${
          percent(long / all)
        }) came from clients that had waited for ` +
        `${LONG_SECONDS} s or longer, by their own account.`,
      evidence: [
        exactEvidence(
          `requests of clients that had waited for ${LONG_SECONDS} s`,
          "client_waiting_time",
          {},
          "requests",
          long,
        ),
        exactEvidence("requests with a waiting time", "client_waiting_time", {}, "requests", all),
        exactEvidence(
          "requests that came again before they were answered",
          "retransmissions",
          {},
          "requests",
          repeated,
        ),
      ],
      remedy: [
        "If this server loses or delays packets, other findings say so; then these clients are the ones that suffer",
        "If not, their first requests did not reach it: look at relays, firewalls, the network, another server",
        "Some clients count from their start, not from their first request: then there is no fault",
      ],
      isConsequence: true,
    };
  },
};

function longIn({ buckets, unit }: HistogramSeries): number {
  const least = LONG_SECONDS * (PER_SECOND[unit] ?? Infinity);
  return buckets.filter(({ lower }) => lower >= least).reduce((sum, { count }) => sum + count, 0);
}
