/**
 * All charts of a document, in the order in which an operator asks.
 *
 * @module
 */

import type { MetricsDocument } from "../../metrics/document.ts";
import type { Chart } from "./chart.ts";
import { cpu } from "./cpu.ts";
import { distribution } from "./distribution.ts";
import { errors } from "./errors.ts";
import { heatMap } from "./heat_map.ts";
import { memory } from "./memory.ts";
import { quantilesOverTime } from "./quantiles_over_time.ts";
import { percentileRanges } from "./ranges.ts";
import { stages } from "./stages.ts";
import { traffic } from "./traffic.ts";
import { waits } from "./waits.ts";

/**
 * The charts for which a document has data.
 *
 * @param period what the document covers, for captions.
 */
export function chartsOf(document: MetricsDocument, period = "the whole run"): Chart[] {
  return [
    quantilesOverTime(document, {
      id: "processing-time",
      period,
      metric: "packet_processing_time",
      title: "Processing time",
      words: "From the system call that reads a request until its answer is sent",
    }),
    traffic(document),
    errors(document),
    heatMap(document),
    distribution(document),
    stages(document),
    waits(document),
    quantilesOverTime(document, {
      id: "socket-wait",
      period,
      metric: "packet_socket_wait",
      title: "Wait in the socket",
      words: "From a packet's arrival in the kernel to the system call that reads it",
    }),
    quantilesOverTime(document, {
      id: "lease-allocation",
      period,
      metric: "lease_allocation_time",
      title: "Lease allocation",
      words: "The allocation engine's search for an address",
    }),
    percentileRanges(document, {
      id: "database",
      metric: "database_query_time",
      title: "Database by statement",
      one: "statement",
    }),
    percentileRanges(document, {
      id: "hook-callouts",
      metric: "hook_callout_time",
      title: "Hook libraries",
      one: "callout",
    }),
    percentileRanges(document, {
      id: "relays",
      metric: "relay_processing_time",
      title: "Processing time by relay",
      one: "relay",
    }),
    percentileRanges(document, {
      id: "interfaces",
      metric: "interface_processing_time",
      title: "Processing time by interface",
      one: "interface",
    }),
    cpu(document),
    memory(document),
  ].filter((chart) => chart !== null);
}
