/**
 * One SQL statement is slow.
 *
 * @module
 */

import { shareEvidence, timesEvidence } from "../evidence.ts";
import { isSlow } from "../facts.ts";
import type { Rule } from "../finding.ts";
import { hasDominant, sqlOf } from "../sql.ts";
import { LEAST_SHARE } from "../thresholds.ts";
import { percent } from "../words.ts";

export const SLOW_STATEMENT: Rule = {
  name: "slow_statement",
  find: (facts) => {
    const sql = sqlOf(facts);
    if (sql === null || !facts.hasEnoughPackets || !hasDominant(sql)) return null;
    const slowest = sql.statements[0]!;
    const { labels } = slowest;
    const least = facts.shareOfPlace(Number(slowest.sum));
    if (least < LEAST_SHARE || !isSlow([slowest])) return null;
    const name = `${labels["backend"]} ${labels["statement"]}`;
    return {
      severity: "slow",
      damage: least,
      sentence: `The SQL statement ${labels["statement"]} takes ` +
        `${
          percent(facts.share(Number(slowest.sum)))
        } of the packets' time, and the other statements are faster.`,
      evidence: [
        shareEvidence(facts, `${name}, of the packets' time`, "database_query_time", labels, least),
        ...timesEvidence(name, slowest),
        ...sql.statements.slice(1, 3).flatMap((other) =>
          timesEvidence(`${other.labels["backend"]} ${other.labels["statement"]}`, other).slice(
            0,
            1,
          )
        ),
      ],
      remedy: [
        "Ask the database why: EXPLAIN, its log of slow statements, locks, triggers, a missing index, vacuum",
        ...isWrite(labels["statement"] ?? "")
          ? [
            "A commit waits for the database's disk: a faster one, or synchronous_commit=off (PostgreSQL) and " +
            "innodb_flush_log_at_trx_commit=2 (MariaDB), which may lose the last leases in a power cut",
          ]
          : [],
      ],
    };
  },
};

const isWrite = (statement: string) => /^(insert|update|delete)/.test(statement);
