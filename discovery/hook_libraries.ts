/**
 * Hook libraries: which of the files that a server maps they are, and what their callouts do.
 *
 * @module
 */

import { exportedFunctions, importedFunctions } from "./code/elf.ts";
import { FileCache } from "./file_cache.ts";
import type { MappedFile } from "./types.ts";

/** How often a DORA or a SARR comes to the hook points on its way. */
const PER_EXCHANGE: Readonly<Record<string, number>> = {
  buffer4_receive: 2,
  pkt4_receive: 2,
  host4_identifier: 2,
  subnet4_select: 2,
  lease4_select: 2,
  lease4_offer: 1,
  leases4_committed: 1,
  ddns4_update: 1,
  pkt4_send: 2,
  buffer4_send: 2,
  buffer6_receive: 2,
  pkt6_receive: 2,
  host6_identifier: 2,
  subnet6_select: 2,
  lease6_select: 2,
  leases6_committed: 1,
  ddns6_update: 1,
  pkt6_send: 2,
  buffer6_send: 2,
};

/**
 * How many callouts some libraries will be asked for a packet: Kea registers what they export under
 * the name of a hook point. What they register by themselves is not counted.
 */
export async function calloutsPerPacket(libraries: readonly MappedFile[]): Promise<number> {
  const exported = await Promise.all(
    libraries.map(({ pinnedPath }) => exportedFunctions(pinnedPath)),
  );
  return exported.flat().reduce((sum, { name }) => sum + (PER_EXCHANGE[name] ?? 0), 0) / 2;
}

/** Asked by a callout that parks its packet, for the place where it is kept. */
export const PARKING_LOT = "_ZNK3isc5hooks13CalloutHandle22getParkingLotHandlePtrEv";

/** Whether any of some hook libraries may park packets. */
export async function mayPark(libraries: readonly MappedFile[]): Promise<boolean> {
  const imported = await Promise.all(
    libraries.map(({ pinnedPath }) => importedFunctions(pinnedPath)),
  );
  return imported.some((names) => names.includes(PARKING_LOT));
}

/** Folders of libraries that no administrator writes hooks into. */
const SYSTEM = /^\/(usr\/|usr\/local\/)?lib(32|64)?\//;

/** Whether files are hook libraries: the watch asks every second, of the same ones. */
const known = new FileCache<boolean>();

/** Which of the files that a server maps are hook libraries. */
export async function hookLibrariesOf<T extends Pick<MappedFile, "path" | "pinnedPath">>(
  libraries: readonly T[],
): Promise<T[]> {
  const found = await Promise.all(libraries.map(async (library) => {
    if (library.path.includes("/hooks/")) return library;
    if (SYSTEM.test(library.path) || !/\.so\b/.test(library.path)) return null;
    // One that is mapped no more while it is looked at is none.
    const isHook = await known.of(library.pinnedPath, () => isHookLibrary(library.pinnedPath))
      .catch(() => false);
    return isHook ? library : null;
  }));
  return found.filter((library) => library !== null);
}

async function isHookLibrary(path: string): Promise<boolean> {
  // Every hook library tells the version of the interface that it was built for.
  const symbols = await exportedFunctions(path).catch(() => []);
  return symbols.some(({ name }) => name === "version") &&
    symbols.some(({ name }) => name === "load" || name in PER_EXCHANGE);
}
