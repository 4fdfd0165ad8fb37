/**
 * Runs all checks, one after the other.
 *
 * @module
 */

import { ChoiceError } from "../../discovery/servers.ts";
import { oneLine } from "../../system/command_line.ts";
import { ANSWER_CHECK } from "./answer_check.ts";
import { type Check, type CheckResult, type Facts, type Finding, notKnown } from "./check.ts";
import { HOST_CHECKS } from "./host_checks.ts";
import { LEASE_CHECKS } from "./lease_checks.ts";
import { NETWORK_CHECKS } from "./network_checks.ts";
import { SERVER_CHECKS } from "./server_checks.ts";

/** The checks in the order in which things break. */
export const CHECKS: readonly Check[] = [
  ...HOST_CHECKS,
  ...SERVER_CHECKS,
  ...LEASE_CHECKS,
  ...NETWORK_CHECKS,
  ANSWER_CHECK,
];

/**
 * Runs all checks.
 *
 * @param report is called with each finding.
 * @throws {ChoiceError} when several servers run and none was chosen.
 */
export async function troubleshoot(
  options: Pick<Facts, "selector" | "probeFrom">,
  report: (finding: Finding) => void,
): Promise<Finding[]> {
  const facts: Facts = {
    ...options,
    canLook: Deno.uid() === 0,
    server: null,
    configuration: null,
    whyNoConfiguration: "the configuration was not read",
    interfaces: null,
    controlSocket: null,
  };
  const findings: Finding[] = [];
  for (const { name, look } of CHECKS) {
    const finding = { check: name, ...await verdictOf(look, facts) };
    findings.push(finding);
    report(finding);
  }
  return findings;
}

async function verdictOf(look: Check["look"], facts: Facts): Promise<CheckResult> {
  try {
    return await look(facts);
  } catch (error) {
    if (error instanceof ChoiceError) throw error;
    // A check that fails does not stop the others.
    return notKnown(oneLine(error), "the check failed");
  }
}
