/**
 * What is wrong or slow, by a metrics document. Pure: document in, findings out.
 *
 * @module
 */

import type { MetricsDocument } from "../document.ts";
import { Facts } from "./facts.ts";
import { type Finding, type Question, SEVERITIES } from "./finding.ts";
import { RULES } from "./rules.ts";

/** What a document says: what is wrong or slow, and what it cannot say. */
export interface Explanation {
  /** The worst first. */
  readonly findings: readonly Finding[];
  readonly questions: readonly Question[];
  /** Why part of the server's packets was not seen, or could not be judged. Empty if all of them were. */
  readonly not_seen: readonly string[];
}

/** Applies all rules to a document. */
export function explain(document: MetricsDocument): Explanation {
  const facts = new Facts(document);
  const questions = new Map<string, Question>();
  for (const { lacks } of RULES) {
    const open = lacks?.(facts) ?? null;
    if (open !== null) questions.set(open.question, open);
  }
  return {
    findings: findingsIn(facts),
    questions: [...questions.values()],
    not_seen: notSeen(facts),
  };
}

/** The findings of a document, the worst first. */
export function findings(document: MetricsDocument): Finding[] {
  return findingsIn(new Facts(document));
}

function findingsIn(facts: Facts): Finding[] {
  const found: Finding[] = [];
  for (const { name, find, isLastResort } of RULES) {
    if (isLastResort && found.some(({ severity }) => severity === "slow")) continue;
    const finding = find(facts);
    if (finding !== null) found.push({ rule: name, ...finding });
  }
  const rank = ({ severity, isConsequence }: Finding) =>
    SEVERITIES.indexOf(severity) + (isConsequence ? 0.5 : 0);
  return found.toSorted((a, b) => rank(a) - rank(b) || b.damage - a.damage);
}

function notSeen({ document, received, answered, hasEnoughPackets }: Facts): string[] {
  const { verdict, reasons } = document.capture;
  return [
    ...verdict === "COMPLETE" || reasons.length > 0 ? reasons : ["The watch was PARTIAL"],
    ...received + answered === 0
      ? ["No DHCP packet came: there is nothing to judge"]
      : hasEnoughPackets
      ? []
      : [`Only ${answered} answered packets were timed: too few to judge their times`],
  ];
}
