/**
 * Hook libraries: which of a server's mapped files they are, and their callouts.
 *
 * @module
 */

import { exportedFunctions, importedFunctions } from "./code/elf.ts";
import { factOf } from "./file_facts.ts";
import type { MappedFile } from "./types.ts";

/** How often a DORA or a SARR passes each hook point. */
const PER_EXCHANGE: ReadonlyMap<string, number> = new Map([
  ["buffer4_receive", 2],
  ["pkt4_receive", 2],
  ["host4_identifier", 2],
  ["subnet4_select", 2],
  ["lease4_select", 2],
  ["lease4_offer", 1],
  ["leases4_committed", 1],
  ["ddns4_update", 1],
  ["pkt4_send", 2],
  ["buffer4_send", 2],
  ["buffer6_receive", 2],
  ["pkt6_receive", 2],
  ["host6_identifier", 2],
  ["subnet6_select", 2],
  ["lease6_select", 2],
  ["leases6_committed", 1],
  ["ddns6_update", 1],
  ["pkt6_send", 2],
  ["buffer6_send", 2],
]);

/** A callout that parks its packet calls this for the parking lot. */
export const PARKING_LOT = "_ZNK3isc5hooks13CalloutHandle22getParkingLotHandlePtrEv";

/** What the symbols of a library show. */
interface HookFacts {
  /** It exports the version of the interface that it was built for, and a callout or `load`. */
  readonly isHook: boolean;
  /** Callouts per packet. */
  readonly callouts: number;
  readonly mayPark: boolean;
}

type Library = Pick<MappedFile, "path" | "pinnedPath">;

/**
 * How many callouts of some libraries run per packet. Kea registers functions that they export under the
 * name of a hook point. Callouts that they register themselves are not counted.
 */
export async function calloutsPerPacket(libraries: readonly Library[]): Promise<number> {
  const facts = await Promise.all(libraries.map(hookFacts));
  return facts.reduce((sum, { callouts }) => sum + callouts, 0);
}

/** Whether any of these hook libraries may park packets. */
export async function mayPark(libraries: readonly Library[]): Promise<boolean> {
  return (await Promise.all(libraries.map(hookFacts))).some(({ mayPark }) => mayPark);
}

/** Folders that never contain hook libraries. */
const SYSTEM = /^\/(usr\/|usr\/local\/)?lib(32|64)?\//;

/** The hook libraries among a server's mapped files. */
export async function hookLibrariesOf<T extends Library>(libraries: readonly T[]): Promise<T[]> {
  const found = await Promise.all(libraries.map(async (library) => {
    if (library.path.includes("/hooks/")) return library;
    if (SYSTEM.test(library.path) || !/\.so\b/.test(library.path)) return null;
    // A file that is unmapped while it is read is not one.
    const isHook = await hookFacts(library).then(({ isHook }) => isHook, () => false);
    return isHook ? library : null;
  }));
  return found.filter((library) => library !== null);
}

async function hookFacts(library: Library): Promise<HookFacts> {
  return await factOf("hook library", library, async ({ pinnedPath }): Promise<HookFacts> => {
    const exported = (await exportedFunctions(pinnedPath)).map(({ name }) => name);
    return {
      isHook: exported.includes("version") &&
        exported.some((name) => name === "load" || PER_EXCHANGE.has(name)),
      callouts: exported.reduce((sum, name) => sum + (PER_EXCHANGE.get(name) ?? 0), 0) / 2,
      mayPark: (await importedFunctions(pinnedPath)).includes(PARKING_LOT),
    };
  });
}
