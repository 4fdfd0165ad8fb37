/**
 * The time that packets wait for SQL statements.
 *
 * @module
 */

import type { HistogramSeries } from "../document.ts";
import { countOf, type Facts, sumNs } from "./facts.ts";

/** Statements by which Kea reclaims leases that have expired: no packet waits for them. */
const RECLAIMS = /^(get_lease[46]_expire|delete_lease[46]_state_expired)$/;

/** The SQL statements of a run that packets wait for. */
export interface SqlTime {
  /** The one that takes most time first. */
  readonly statements: readonly HistogramSeries[];
  readonly ns: number;
  /** Executions per received packet. */
  readonly perPacket: number;
}

/** The SQL of a run; null if there was none. */
export function sqlOf(facts: Facts): SqlTime | null {
  const statements = facts.histograms("database_query_time")
    .filter(({ labels: { backend, statement = "" } }) =>
      backend !== "memfile" && !RECLAIMS.test(statement)
    )
    .toSorted((a, b) => Number(b.sum) - Number(a.sum));
  if (statements.length === 0) return null;
  return {
    statements,
    ns: sumNs(statements),
    perPacket: countOf(statements) / Math.max(1, facts.received),
  };
}

/** A statement that takes this share of all SQL is the one that is slow. */
export const DOMINANT = 0.6;

/** Whether one statement is slow, and not all of them. */
export function hasDominant({ statements, ns }: SqlTime): boolean {
  return Number(statements[0]!.sum) >= DOMINANT * ns;
}
