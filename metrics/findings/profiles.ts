/**
 * What a document does not have, and which profile would.
 *
 * @module
 */

import type { MetricName } from "../metric_names.ts";
import type { Facts } from "./facts.ts";

const ORDER = ["light", "standard", "deep"];

/**
 * How to get a metric that a document does not have.
 *
 * @param profile the cheapest one that has it.
 */
export function howToGet(
  { document }: Facts,
  metric: MetricName,
  profile: "standard" | "deep",
): string {
  const { capture } = document;
  if (capture.profile !== null && ORDER.indexOf(capture.profile) < ORDER.indexOf(profile)) {
    return `watch with --profile ${profile}`;
  }
  const why = capture.not_available.find((each) => each.metric === metric)?.why;
  return why === undefined ? "this run did not measure it" : `not available: ${why}`;
}
