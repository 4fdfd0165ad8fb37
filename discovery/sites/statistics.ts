/**
 * Where the server and its hook libraries count a packet that they refuse.
 *
 * @module
 */

import { basename } from "node:path";
import { codeOf } from "../code/decoded_code.ts";
import { type Data, mappedData } from "../code/elf.ts";
import { STRING } from "../code/passed_text.ts";
import { hookLibrariesOf } from "../hook_libraries.ts";
import type { MappedFile, Program } from "../types.ts";
import type { Refusal, Site, SiteSearch } from "./types.ts";
import { counterCalls } from "./counter_names.ts";
import { keptSearch } from "./kept_search.ts";
import { gather, refused, siteAtCall } from "./site.ts";

/** Called for every counter that is raised. */
const ADD_VALUE = `_ZN3isc5stats8StatsMgr8addValueERK${STRING}l`;

/**
 * Counters of refused packets, including those of Kea 3.2. A compiler may keep the last byte of a name
 * elsewhere.
 */
export const REFUSAL_COUNTERS: readonly string[] = [
  "receive-drop",
  "parse-failed",
  "queue-full",
  "rfc-violation",
  "admin-filtered",
  "not-for-us",
  "processing-failed",
  "limit-exceeded",
  "duplicate",
  "service-disabled",
].flatMap((end) => [`pkt4-${end}`, `pkt6-${end}`]);

/** What the data of a library that counts refused packets have: no code keeps all of a long name elsewhere. */
const LONG_NAME = /pkt[46]-receive-dro/;

const ID = "statistics.drop.";

/** The calls that raise a counter of refused packets, in the server and in hook libraries. */
export async function statisticsSites({ executable, libraries }: Program): Promise<SiteSearch> {
  const found: { readonly sites: Site[]; readonly refusals: Refusal[] } = {
    sites: [],
    refusals: [],
  };
  for (const file of [executable, ...await hookLibrariesOf(libraries)]) {
    const name = basename(file.path);
    const isServer = file === executable;
    const { sites, refusals } = await keptSearch(
      `statistics ${JSON.stringify({ name, isServer })}`,
      file,
      (copy) => countingIn(copy, name, isServer),
    );
    // One that is not known may be of a refused packet: then none of them says anything.
    const unknown = refusals.filter(({ id }) => id === ID);
    if (unknown.length > 0) return { sites: [], refusals: unknown };
    for (const site of sites) {
      found.sites.push({ ...site, id: `${ID}${found.sites.length}` });
    }
    found.refusals.push(...refusals);
  }
  return found;
}

async function countingIn(file: MappedFile, name: string, isServer: boolean): Promise<SiteSearch> {
  const data = await mappedData(file.pinnedPath);
  if (!isServer && !countsRefused(data)) return { sites: [], refusals: [] };
  const code = await codeOf(file);
  const calls = counterCalls(code, data, ADD_VALUE);
  const unknown = calls.filter(({ name }) => name === null).length;
  if (unknown > 0) {
    return refused(
      ID,
      `the counters that ${unknown} of ${calls.length} calls in ${name} raise are unknown, so those ` +
        "of refused packets may be missed",
    );
  }
  const refusing = calls.filter(({ name }) =>
    REFUSAL_COUNTERS.some((counter) => name!.startsWith(counter.slice(0, -1)))
  );
  if (isServer && refusing.length === 0) {
    return refused(ID, "no call that raises a counter of refused packets was found");
  }
  return gather(
    refusing.map(({ call }, index) => siteAtCall(`${ID}${index}`, file, code, call, ADD_VALUE, 0)),
  );
}

function countsRefused(data: readonly Data[]): boolean {
  return data.some(({ bytes }) => LONG_NAME.test(new TextDecoder("latin1").decode(bytes)));
}
