/**
 * What a document does not have, and which profile would.
 *
 * @module
 */

import type { MetricName } from "../metric_names.ts";
import type { Labels } from "../totals.ts";
import type { Facts } from "./facts.ts";
import type { Question } from "./finding.ts";

const ORDER = ["light", "standard", "deep"];

/**
 * The question that stays open without a metric; null if it was measured.
 *
 * @param profile the cheapest one that measures it.
 */
export function openWithout(
  facts: Facts,
  metric: MetricName,
  profile: "standard" | "deep",
  question: string,
  labels: Labels = {},
): Question | null {
  if (facts.has(metric, labels)) return null;
  const { capture } = facts.document;
  if (capture.profile !== null && ORDER.indexOf(capture.profile) < ORDER.indexOf(profile)) {
    return { question, answer: `watch with --profile ${profile}` };
  }
  const why = capture.not_available.find((each) => each.metric === metric)?.why;
  return why === undefined ? null : { question, answer: `not available: ${why}` };
}
