/**
 * Where a packet's time goes, by stage.
 *
 * @module
 */

import type { MetricsDocument } from "../../metrics/document.ts";
import { stagePlace } from "../../metrics/stages.ts";
import type { Chart } from "./chart.ts";
import { partsOfTime } from "./parts_of_time.ts";

/**
 * Each packet has exactly one of these. A packet with a known allocation has `select` in the `deep`
 * profile and `before` in `standard`. In `deep`, a packet without an allocation has `other` beside its
 * `queue`, `parse`, `pack` and `send`, and a packet that a hook parked has only `other`. `standard` has no
 * stages for those two, so they are not in the chart.
 */
const ONCE_PER_PACKET = ["select", "before", "other"];

/** The mean time of a packet, one bar per message, split into stages. */
export function stages(document: MetricsDocument): Chart | null {
  return partsOfTime(document, {
    id: "stages",
    title: "Where the time goes",
    metric: "packet_stage_time",
    label: "stage",
    place: stagePlace,
    packetsOf,
    words:
      "The mean time of a packet whose stages are known, split into stages; a skipped stage counts as zero.",
  });
}

/** The packets of a message: at least as many as any of its stages has. */
function packetsOf(counts: ReadonlyMap<string, number>): number {
  const all = ONCE_PER_PACKET.reduce((sum, stage) => sum + (counts.get(stage) ?? 0), 0);
  return Math.max(all, ...counts.values());
}
