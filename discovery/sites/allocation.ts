/**
 * Where the server's own code calls the allocation engine.
 *
 * @module
 */

import { callsOf } from "../code/call_sites.ts";
import { codeOf } from "../code/decoded_code.ts";
import { hookLibrariesOf, mayPark, PARKING_LOT } from "../hook_libraries.ts";
import type { Family, MappedFile, Program } from "../types.ts";
import type { SiteSearch } from "./types.ts";
import { functionEntries, isLinkedIn, LINKED_IN } from "./function_entries.ts";
import { keptSearch } from "./kept_search.ts";
import { gather, refused, sitesAroundCall } from "./site.ts";

/** Called by the server's own code for each requested lease, by family. */
const ALLOCATIONS: Readonly<
  Record<Family, readonly { readonly symbol: string; readonly hitsPerPacket: number }[]>
> = {
  4: [{
    symbol: "_ZN3isc4dhcp11AllocEngine14allocateLease4ERNS1_14ClientContext4E",
    hitsPerPacket: 1,
  }],
  6: [
    {
      symbol: "_ZN3isc4dhcp11AllocEngine15allocateLeases6ERNS1_14ClientContext6E",
      hitsPerPacket: 1,
    },
    {
      symbol: "_ZN3isc4dhcp11AllocEngine12renewLeases6ERNS1_14ClientContext6E",
      hitsPerPacket: 0,
    },
  ],
};

/** The site where a callout requests the parking lot, and may leave its packet to another thread. */
export const PARKED = "allocation.parked";

/** The calls of the allocation engine with their ends, and the site where packets may be parked. */
export async function allocationSites(
  { executable, family, libraries }: Program,
): Promise<SiteSearch> {
  const isLinked = isLinkedIn(libraries);
  const [found, parks] = await Promise.all([
    keptSearch(
      `allocation ${JSON.stringify({ family, isLinked })}`,
      executable,
      (copy) => callsIn(copy, family, isLinked),
    ),
    hookLibrariesOf(libraries).then(mayPark),
  ]);
  if (found.sites.length === 0 || !parks) return found;
  // One committed lease per exchange.
  const parked = await functionEntries(
    libraries,
    "libkea-hooks.so",
    { [PARKED]: PARKING_LOT },
    () => 0.5,
  );
  return {
    sites: [...found.sites, ...parked.sites],
    refusals: [...found.refusals, ...parked.refusals],
  };
}

async function callsIn(
  executable: MappedFile,
  family: Family,
  isLinked: boolean,
): Promise<SiteSearch> {
  const code = await codeOf(executable);
  const calls = ALLOCATIONS[family].flatMap(({ symbol, hitsPerPacket }) => {
    const found = callsOf(code, symbol);
    return found.map((call) => ({ ...call, hits: hitsPerPacket / found.length }));
  });
  if (calls.length === 0) {
    const isImported = ALLOCATIONS[family].some(({ symbol }) =>
      code.slots.values().some((name) => name === symbol)
    );
    return refused(
      "allocation.",
      isImported
        ? "the executable calls the allocation engine in an unknown way"
        : isLinked
        ? LINKED_IN
        : "the executable does not import the allocation engine",
    );
  }
  return gather(
    calls.map((call, index) =>
      sitesAroundCall((edge) => `allocation.${edge}.${index}`, executable, call, call.hits)
    ),
  );
}
