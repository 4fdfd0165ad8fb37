/**
 * Where the memfile lease manager appends to its lease file.
 *
 * @module
 */

import { callsOf } from "../code/call_sites.ts";
import { codeOfFunctions } from "../code/decoded_code.ts";
import { exportedFunctions } from "../code/elf.ts";
import type { Family, MappedFile, Program } from "../types.ts";
import { functionEntries, isLinkedIn, LINKED_IN } from "./function_entries.ts";
import { keptSearch } from "./kept_search.ts";
import { gather, refused, sitesAroundCall } from "./site.ts";
import type { SiteSearch } from "./types.ts";

/** Appends a lease to the file, by family. kea-lfc calls it, too, from code of its own, which has no probes. */
const APPEND: Readonly<Record<Family, string>> = {
  4: "_ZN3isc4dhcp13CSVLeaseFile46appendERKNS0_6Lease4E",
  6: "_ZN3isc4dhcp13CSVLeaseFile66appendERKNS0_6Lease6E",
};

/** The lease manager's functions that call it: for leases that are added, updated, deleted, or forgotten when reclaimed. */
const CALLERS =
  /^_ZNK?3isc4dhcp16Memfile_LeaseMgr\d+(addLeaseInternal|updateLease[46]Internal|deleteLeaseInternal|deleteExpiredReclaimedLeases)/;

/** Committed leases per packet. */
const HITS_PER_PACKET = 0.5;

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
    functionEntries(libraries, "libstdc++.so", { "lease_file.throw": "__cxa_throw" }, () => 0),
  ]);
  const refusals = searches.flatMap((search) => search.refusals);
  return { sites: refusals.length > 0 ? [] : searches.flatMap(({ sites }) => sites), refusals };
}

async function callsIn(library: MappedFile, family: Family): Promise<SiteSearch> {
  const callers = (await exportedFunctions(library.pinnedPath))
    .filter(({ name }) => CALLERS.test(name) && name.includes(`Lease${family}`))
    .map(({ address, size }) => ({ start: address, end: address + size }));
  const code = await codeOfFunctions(library, callers);
  // A lease manager without a file leaves the call out.
  const calls = callsOf(code, APPEND[family], { maySkip: true }).filter(({ call: { address } }) =>
    callers.some(({ start, end }) => address >= start && address < end)
  );
  if (calls.length < callers.length || calls.length === 0) {
    return refused(
      "lease_file.",
      `libkea-dhcpsrv appends leases through the PLT at ${calls.length} places, in ${callers.length} functions`,
    );
  }
  return gather(
    calls.map((call, index) =>
      sitesAroundCall(
        (edge) => `lease_file.${edge}.${index}`,
        library,
        call,
        HITS_PER_PACKET / calls.length,
      )
    ),
  );
}
