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
import type { Program } from "../types.ts";
import type { Refusal, Site, SiteSearch } from "./types.ts";
import { counterCalls } from "./counter_names.ts";
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

/** The calls that raise a counter of refused packets, in the server and in hook libraries. */
export async function statisticsSites({ executable, libraries }: Program): Promise<SiteSearch> {
  const id = "statistics.drop.";
  const found: (readonly Site[] | Refusal)[] = [];
  for (const file of [executable, ...await hookLibrariesOf(libraries)]) {
    const data = await mappedData(file.pinnedPath);
    if (file !== executable && !countsRefused(data)) continue;
    const code = await codeOf(file);
    const calls = counterCalls(code, data, ADD_VALUE);
    const unknown = calls.filter(({ name }) => name === null).length;
    if (unknown > 0) {
      return refused(
        id,
        `the counters that ${unknown} of ${calls.length} calls in ${
          basename(file.path)
        } raise are ` +
          "unknown, so those of refused packets may be missed",
      );
    }
    const refusing = calls.filter(({ name }) =>
      REFUSAL_COUNTERS.some((counter) => name!.startsWith(counter.slice(0, -1)))
    );
    if (file === executable && refusing.length === 0) {
      return refused(id, "no call that raises a counter of refused packets was found");
    }
    for (const { call } of refusing) {
      found.push(siteAtCall(`${id}${found.length}`, file, code, call, ADD_VALUE, 0));
    }
  }
  return gather(found);
}

function countsRefused(data: readonly Data[]): boolean {
  return data.some(({ bytes }) => LONG_NAME.test(new TextDecoder("latin1").decode(bytes)));
}
