/**
 * The conclusion of all findings.
 *
 * @module
 */

import type { Finding } from "./check.ts";

/** The conclusion, for programs. */
export interface Conclusion {
  /** Whether every check that applies was decided, and none of them found a problem. */
  readonly healthy: boolean;
  /** Checks that found a problem. */
  readonly problems: readonly string[];
  /** Checks that could not be decided. */
  readonly not_known: readonly string[];
}

/** Draws the conclusion from all findings. */
export function conclusionOf(findings: readonly Pick<Finding, "check" | "status">[]): Conclusion {
  const checksThatAre = (status: Finding["status"]) =>
    findings.filter((finding) => finding.status === status).map(({ check }) => check);
  const [problems, unknown] = [checksThatAre("problem"), checksThatAre("not_known")];
  return { healthy: problems.length + unknown.length === 0, problems, not_known: unknown };
}

/** The last line for people. */
export function conclusionText({ healthy, problems, not_known: unknown }: Conclusion): string {
  if (healthy) return "Healthy";
  const checks = (many: readonly string[], what: string) =>
    `${many.length} ${many.length === 1 ? what : `${what}s`}`;
  const found = problems.length === 0
    ? "No problem found"
    : `${checks(problems, "problem")}: ${problems.join(", ")}`;
  if (unknown.length === 0) return found;
  return `${found}; ${checks(unknown, "check")} could not be decided: ${unknown.join(", ")}`;
}
