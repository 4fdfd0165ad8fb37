/**
 * What `explain` says of a document: findings, and questions that the document leaves open.
 *
 *     document -> Facts -> each rule's find()  -> findings, the worst first
 *                       -> each rule's lacks() -> questions: what is not known, and what would show it
 *
 * @module
 */

import type { Facts } from "./facts.ts";

/** Kinds of damage, the worst first: packets or leases are lost; packets take longer; neither, so far. */
export const SEVERITIES = ["lost", "slow", "risk"] as const;

/** A kind of damage. */
export type Severity = typeof SEVERITIES[number];

/** A figure that a finding rests on. */
export interface Evidence {
  /** What it is, for people. */
  readonly what: string;
  /** Its metric, or its field in the document; a figure of several series has the labels that they share. */
  readonly source: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `ns`, `seconds`, `ratio`, or what is counted. */
  readonly unit: string;
  readonly value: number;
  /** Its bounds, if the value is not exact. */
  readonly lower?: number;
  readonly upper?: number;
}

/** Something that is wrong, slow or a risk. */
export interface Finding {
  /** The name of the rule that found it. */
  readonly rule: string;
  readonly severity: Severity;
  /**
   * How much harm it does, from 0 to 1: the share of the packets that are lost, the share of the time that
   * it explains, or the share of the events that it concerns.
   */
  readonly damage: number;
  /** It follows from whatever makes packets slow, if that was found: then that comes first. */
  readonly isConsequence?: true;
  /** What is the matter, in one sentence. */
  readonly sentence: string;
  readonly evidence: readonly Evidence[];
  /** What to do, the most promising first. */
  readonly remedy: readonly string[];
}

/** Something that a document does not show. */
export interface Question {
  /** "which hook library is slow". */
  readonly question: string;
  /** What would answer it: "watch with --profile deep". */
  readonly answer: string;
}

/** How a document shows one cause of trouble. */
export interface Rule {
  readonly name: string;
  /** It counts only if no rule before it has found something slow. */
  readonly isLastResort?: true;
  /** What stays open because data are missing; null if nothing does. */
  readonly lacks?: (facts: Facts) => Question | null;
  /** Null where the cause is not seen, or there are too few data. */
  readonly find: (facts: Facts) => Omit<Finding, "rule"> | null;
}
