/** Labs of each Kea and family, with each kind of socket in one of them. */

import type { LabOptions } from "../../tools/lab/lab.ts";

/** A lab, and its name in a test's. */
export const EACH_KEA: readonly { readonly name: string; readonly options: LabOptions }[] = ([
  { kea: "2.2", family: 4, sockets: "raw" },
  { kea: "2.2", family: 6 },
  { kea: "2.6", family: 4, sockets: "udp" },
  { kea: "newest", family: 4 },
  { kea: "newest", family: 6 },
] as readonly LabOptions[]).map((options) => ({
  name: `Kea ${options.kea} DHCPv${options.family} ${options.sockets ?? ""}`.trim(),
  options,
}));
