/**
 * Where Kea logs.
 *
 * @module
 */

import type { Program } from "../types.ts";
import type { SiteSearch } from "./types.ts";
import { functionEntries } from "./function_entries.ts";

/** Entries that Kea passes only when something is logged, by site. */
const LOGGER_ENTRIES: Readonly<Record<string, string>> = {
  "log.info": "_ZN3isc3log6Logger4infoERKPKc",
  "log.warn": "_ZN3isc3log6Logger4warnERKPKc",
  "log.error": "_ZN3isc3log6Logger5errorERKPKc",
  "log.fatal": "_ZN3isc3log6Logger5fatalERKPKc",
};

/** The entries of Kea's logger, one for each severity. */
export async function logSites({ libraries }: Program): Promise<SiteSearch> {
  return await functionEntries(
    libraries,
    "libkea-log.so",
    LOGGER_ENTRIES,
    (id) => id === "log.info" ? 1 : 0,
  );
}
