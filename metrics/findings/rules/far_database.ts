/**
 * All SQL statements are slow: the database is far away, or has too much to do.
 *
 * @module
 */

import { exactEvidence, shareEvidence, timesEvidence } from "../evidence.ts";
import { meanNs } from "../facts.ts";
import type { Rule } from "../finding.ts";
import { hasDominant, sqlOf } from "../sql.ts";
import { LEAST_EVENTS, LEAST_SHARE, LONG_NS, LONG_STATEMENT_NS } from "../thresholds.ts";
import { percent } from "../words.ts";

export const FAR_DATABASE: Rule = {
  name: "far_database",
  find: (facts) => {
    const sql = sqlOf(facts);
    if (sql === null || !facts.hasEnoughPackets || hasDominant(sql)) return null;
    const least = facts.shareOfPlace(sql.ns);
    if (least < LEAST_SHARE || sql.ns / Math.max(1, facts.received) < LONG_STATEMENT_NS) {
      return null;
    }
    const usual = sql.statements.filter(({ count }) => count >= LEAST_EVENTS);
    if (usual.length === 0) return null;
    const fastest = usual.toSorted((a, b) => a.min - b.min)[0]!;
    // Not even the fastest answer of the simplest statement comes sooner.
    const isFar = fastest.min >= LONG_NS && fastest.min >= 0.3 * meanNs(usual);
    const { backend } = fastest.labels;
    const share = percent(facts.share(sql.ns));
    return {
      severity: "slow",
      damage: least,
      sentence: isFar
        ? `The database is far away: waiting for SQL takes ${share} of the packets' time, and not even the ` +
          "fastest answer came soon."
        : `The database is slow: waiting for SQL takes ${share} of the packets' time, spread over all statements.`,
      evidence: [
        shareEvidence(
          facts,
          "all SQL statements, of the packets' time",
          "database_query_time",
          { backend: backend ?? "" },
          least,
          sql.ns,
        ),
        exactEvidence(
          "statements per packet",
          "database_query_time",
          { backend: backend ?? "" },
          "statements",
          sql.perPacket,
        ),
        exactEvidence(
          `the fastest answer, of ${fastest.labels["statement"]}`,
          "database_query_time",
          fastest.labels,
          "ns",
          fastest.min,
        ),
        ...sql.statements.slice(0, 3).flatMap((each) =>
          timesEvidence(`${each.labels["backend"]} ${each.labels["statement"]}`, each).slice(0, 1)
        ),
      ],
      remedy: isFar
        ? [
          "Put the database near Kea: every statement takes a round trip on the network",
          "More threads (multi-threading, thread-pool-size) let more packets wait at the same time",
        ]
        : [
          "Look at the database's host: CPU, disk, connections, other users",
          "More threads (multi-threading, thread-pool-size) let more packets wait at the same time",
        ],
    };
  },
};
