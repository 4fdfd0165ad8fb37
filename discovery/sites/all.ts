/**
 * Every group of sites, and its search.
 *
 * @module
 */

import type { Program } from "../types.ts";
import type { SiteGroup, SiteSearch } from "./types.ts";
import { allocationSites } from "./allocation.ts";
import { calloutSites } from "./callouts.ts";
import { exceptionSites } from "./exceptions.ts";
import { leaseFileSites } from "./lease_file.ts";
import { leaseManagerSites } from "./lease_manager.ts";
import { logSites } from "./log.ts";
import { mariadbSites } from "./mariadb.ts";
import { postgresqlSites } from "./postgresql.ts";
import { stageSites } from "./stages.ts";
import { statisticsSites } from "./statistics.ts";

/** Reads the program's hook points by Kea's number, see `hookPointsOf()`. */
export type ReadHookPoints = () => Promise<readonly string[]>;

/** A search. What cannot be verified is returned as a refusal. */
type Search = (program: Program, readHookPoints: ReadHookPoints) => Promise<SiteSearch>;

/** The search of each group. */
export const SEARCHES: Readonly<Record<SiteGroup, Search>> = {
  exceptions: exceptionSites,
  log: logSites,
  allocation: allocationSites,
  statistics: statisticsSites,
  callouts: calloutSites,
  postgresql: postgresqlSites,
  stages: stageSites,
  mariadb: mariadbSites,
  lease_file: leaseFileSites,
  lease_manager: leaseManagerSites,
};
