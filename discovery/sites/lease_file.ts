/**
 * Where the memfile lease manager appends to its lease file.
 *
 * @module
 */

import { callsWithin } from "../code/call_sites.ts";
import { codeOfFunctions } from "../code/decoded_code.ts";
import { boundsOf, exportedFunctions } from "../code/elf.ts";
import type { Family, MappedFile, Program } from "../types.ts";
import { throwSite } from "./exceptions.ts";
import { isLinkedIn, LINKED_IN } from "./function_entries.ts";
import { keptSearch } from "./kept_search.ts";
import { gather, refused, sitesAroundCall } from "./site.ts";
import type { Refusal, Site, SiteSearch } from "./types.ts";

/** Appends a lease to the file, by family. kea-lfc calls it, too, from code of its own, which has no probes. */
const APPEND: Readonly<Record<Family, string>> = {
  4: "_ZN3isc4dhcp13CSVLeaseFile46appendERKNS0_6Lease4E",
  6: "_ZN3isc4dhcp13CSVLeaseFile66appendERKNS0_6Lease6E",
};

/** A function of the lease manager that appends a lease. */
interface Appending {
  readonly operation: string;
  readonly caller: string;
  /** Calls per packet: one per exchange, for a new lease or one that is there. */
  readonly hitsPerPacket: number;
}

/**
 * Those for a packet, or for a lease that is reclaimed. Not the one that forgets reclaimed leases: it may write many
 * thousands at once, while packets wait, and each probe would make that longer.
 */
const appendingOf = (family: Family): readonly Appending[] =>
  ([
    ["add", "addLeaseInternal", 0.5],
    ["update", `updateLease${family}Internal`, 0],
    ["delete", "deleteLeaseInternal", 0],
  ] as const).map(([operation, name, hitsPerPacket]) => ({
    operation,
    caller: `_ZN3isc4dhcp16Memfile_LeaseMgr${name.length}${name}` +
      `ERKN5boost10shared_ptrINS0_6Lease${family}EEE`,
    hitsPerPacket,
  }));

/** The calls that append a lease, with their ends, and where a failure is thrown: all of them, or none. */
export async function leaseFileSites({ libraries, family }: Program): Promise<SiteSearch> {
  const library = libraries.find(({ path }) => /\/libkea-dhcpsrv\.so/.test(path));
  if (library === undefined) {
    return refused(
      "lease_file.",
      isLinkedIn(libraries) ? LINKED_IN : "the server maps no libkea-dhcpsrv",
    );
  }
  const searches = await Promise.all([
    keptSearch(`lease_file ${family}`, library, (copy) => callsIn(copy, family)),
    throwSite(libraries, "lease_file.throw"),
  ]);
  const refusals = searches.flatMap((search) => search.refusals);
  return { sites: refusals.length > 0 ? [] : searches.flatMap(({ sites }) => sites), refusals };
}

async function callsIn(library: MappedFile, family: Family): Promise<SiteSearch> {
  const symbols = await exportedFunctions(library.pinnedPath);
  const appending = appendingOf(family).map((each) => ({
    ...each,
    bounds: boundsOf(symbols, each.caller),
  }));
  const code = await codeOfFunctions(
    library,
    appending.map(({ bounds }) => bounds).filter((bounds) => bounds !== undefined),
  );
  return gather(
    appending.map(({ operation, caller, hitsPerPacket, bounds }): readonly Site[] | Refusal => {
      const idOf = (edge: string) => `lease_file.${edge}.${operation}`;
      if (bounds === undefined) {
        return { id: idOf("start"), why: `libkea-dhcpsrv does not export ${caller}` };
      }
      // A lease manager without a file leaves the call out.
      const calls = callsWithin(code, APPEND[family], bounds, { maySkip: true });
      if (calls.length !== 1) {
        const why = `expected one call of ${APPEND[family]}, found ${calls.length}`;
        return { id: idOf("start"), why };
      }
      return sitesAroundCall(idOf, library, calls[0]!, hitsPerPacket);
    }),
  );
}
