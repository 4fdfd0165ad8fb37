/**
 * The groups of sites.
 *
 * @module
 */

/** What a search may look for: each costs time, so a plan asks for what its profile needs. */
export type SiteGroup =
  | "exceptions"
  | "allocation"
  | "log"
  | "statistics"
  | "lease_manager"
  | "callouts"
  | "postgresql"
  | "mariadb"
  | "stages";
