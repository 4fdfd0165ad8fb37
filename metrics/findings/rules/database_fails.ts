/**
 * SQL statements fail.
 *
 * @module
 */

import { counterEvidence } from "../evidence.ts";
import type { Rule } from "../finding.ts";
import { isLoss } from "../losses.ts";
import { counted } from "../words.ts";

export const DATABASE_FAILS: Rule = {
  name: "database_fails",
  find: (facts) => {
    const failed = facts.counters("error_rate", { kind: "database" });
    const all = facts.errors("database");
    if (!isLoss(all, facts.received)) return null;
    return {
      severity: "lost",
      damage: Math.min(1, all / Math.max(1, facts.received)),
      sentence: `${counted(all, "SQL statement")} failed: the requests behind them got no lease.`,
      evidence: failed.slice(0, 3).map((each) => counterEvidence(each.labels["id"] ?? "", each)),
      remedy: [
        "See whether the database runs, whether Kea may connect, and whether its disk is full",
        "deno task troubleshoot tries the connection",
      ],
    };
  },
};
