/**
 * Every group of sites and where it is looked for.
 *
 * @module
 */

import type { Program } from "../types.ts";
import type { SiteGroup, SiteSearch } from "./types.ts";
import { allocationSites } from "./allocation.ts";
import { calloutSites } from "./callouts.ts";
import { exceptionSites } from "./exceptions.ts";
import { leaseManagerSites } from "./lease_manager.ts";
import { logSites } from "./log.ts";
import { mariadbSites } from "./mariadb.ts";
import { postgresqlSites } from "./postgresql.ts";
import { stageSites } from "./stages.ts";
import { statisticsSites } from "./statistics.ts";

/** The search of each group. What cannot be proven comes back as a refusal. */
export const SEARCHES: Readonly<Record<SiteGroup, (program: Program) => Promise<SiteSearch>>> = {
  exceptions: exceptionSites,
  log: logSites,
  allocation: allocationSites,
  statistics: statisticsSites,
  callouts: calloutSites,
  postgresql: postgresqlSites,
  stages: stageSites,
  mariadb: mariadbSites,
  lease_manager: leaseManagerSites,
};
