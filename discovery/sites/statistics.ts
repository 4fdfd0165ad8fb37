/**
 * Where the server counts a packet that it refuses.
 *
 * @module
 */

import { codeOf } from "../code/decoded_code.ts";
import { mappedData } from "../code/elf.ts";
import type { Program } from "../types.ts";
import type { SiteSearch } from "./types.ts";
import { counterCalls } from "./counter_names.ts";
import { gather, refused, siteAtCall } from "./site.ts";

const STRING = "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE";

/** Called by the server's own code for every counter that it raises. */
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

/** The calls that raise a counter of refused packets. */
export async function statisticsSites({ executable }: Program): Promise<SiteSearch> {
  const code = await codeOf(executable);
  const data = await mappedData(executable.pinnedPath);
  const calls = counterCalls(code, data, ADD_VALUE);
  const unknown = calls.filter(({ name }) => name === null).length;
  if (unknown > 0) {
    return refused(
      "statistics.drop.",
      `the counters that ${unknown} of Kea's ${calls.length} calls raise are unknown, so those of ` +
        "refused packets may be missed",
    );
  }
  const refusing = calls.filter(({ name }) =>
    REFUSAL_COUNTERS.some((counter) => name!.startsWith(counter.slice(0, -1)))
  );
  const found = gather(
    refusing.map(({ call }, index) =>
      siteAtCall(`statistics.drop.${index}`, executable, code, call, ADD_VALUE, 0)
    ),
  );
  return found.sites.length > 0
    ? found
    : refused("statistics.drop.", "no call that raises a counter of refused packets was found");
}
