/**
 * The maps of the programs, as bpftrace prints them.
 *
 * @module
 */

import type { Json } from "../metrics/input/exact_json.ts";
import { MAP_KEYS } from "./bpftrace.ts";

/** Maps by name: cumulative since the probes were attached. */
export type Maps = Record<string, Json>;

/** Full maps: new keys are not counted there. */
export function fullMaps(maps: Maps): string[] {
  return Object.entries(maps).filter(([, map]) =>
    typeof map === "object" && map !== null && Object.keys(map).length >= MAP_KEYS
  ).map(([name]) => name);
}
