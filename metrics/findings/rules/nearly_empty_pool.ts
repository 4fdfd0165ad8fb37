/**
 * Kea tries many addresses until it finds a free one.
 *
 * @module
 */

import { exactEvidence, shareEvidence } from "../evidence.ts";
import { countOf } from "../facts.ts";
import type { Rule } from "../finding.ts";
import { LEAST_PACKETS } from "../thresholds.ts";

/** The lookup of a lease by its address, by backend: one for each address that is tried, and for a renewal. */
const LOOKUPS = /^(getLease4_address|get_lease[46]_addr|select_lease[46]_by_address)$/;

/** A client without a lease needs two lookups or three; its renewal one. */
const MOST_TRIES = 6;

export const NEARLY_EMPTY_POOL: Rule = {
  name: "nearly_empty_pool",
  find: (facts) => {
    const lookups = facts.histograms("database_query_time")
      .filter(({ labels }) => LOOKUPS.test(labels["statement"] ?? ""));
    const allocations = facts.total("lease_allocation_time");
    const tries = countOf(lookups) / allocations;
    if (allocations < LEAST_PACKETS || lookups.length === 0 || tries < MOST_TRIES) return null;
    const { labels } = lookups[0]!;
    return {
      severity: "slow",
      damage: facts.share(facts.ns("lease_allocation_time")),
      sentence:
        `Kea tries ${
          tries.toFixed(0)
        } addresses per allocation until it finds a free one: a pool is ` +
        "nearly empty.",
      evidence: [
        exactEvidence(
          "leases looked up by address",
          "database_query_time",
          labels,
          "lookups",
          countOf(lookups),
        ),
        exactEvidence("allocations", "lease_allocation_time", {}, "allocations", allocations),
        shareEvidence(facts, "allocations, of the packets' time", "lease_allocation_time", {}),
      ],
      remedy: [
        "Enlarge the pools, or add one",
        'Kea 2.3.2 and later: "allocator": "flq" or "random" finds free addresses without trying one after the other',
        "Shorten valid-lifetime, so that addresses of clients that are gone come back sooner",
      ],
    };
  },
};
