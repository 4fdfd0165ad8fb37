/**
 * What the threads that serve packets do: run, or wait, and for what.
 *
 * @module
 */

import type { MetricsDocument } from "../../metrics/document.ts";
import { causePlace } from "../../metrics/waits.ts";
import type { Chart } from "./chart.ts";
import { partsOfTime } from "./parts_of_time.ts";

/** The mean time of a packet on its thread, one bar per message, split by what the thread did. */
export function waits(document: MetricsDocument): Chart | null {
  return partsOfTime(document, {
    id: "waits",
    title: "What packets wait for",
    metric: "packet_wait_time",
    label: "cause",
    place: causePlace,
    // Every packet runs.
    packetsOf: (counts) => Math.max(...counts.values()),
    words:
      "The mean time of a packet from when a thread begins with it until its answer is sent, " +
      "split into running and waiting, and what for: a CPU (run_queue), a lock, a disk, the network, " +
      "memory that is paged in.",
  });
}
