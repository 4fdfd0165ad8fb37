/**
 * Where a watch sees packets, for tests and benchmarks that compare both ways.
 *
 * @module
 */

import { Option } from "@commander-js/extra-typings";
import type { Preparation } from "../../probes/preparation.ts";
import { inThisProcess } from "../../probes/prepare.ts";
import { EDGES, type Edges } from "../../probes/plan.ts";

/** A preparation that sees packets at the sockets, where this kernel can, or by system calls, as on an older one. */
export function preparationAt(edges: Edges): Preparation {
  return inThisProcess({ kernel: edges === "calls" ? { reportsSockets: false } : {} });
}

/** The option for it. */
export const EDGES_OPTION = new Option(
  "--edges <where>",
  "where packets are seen: at the sockets, or by system calls, as before Linux 6.3",
).choices(EDGES).default("sockets" as const);
