/**
 * Sites at the entries of exported functions.
 *
 * @module
 */

import { disassemble, instructionClass } from "../code/disassembly.ts";
import { boundsOf, exportedFunctions } from "../code/elf.ts";
import type { MappedFile } from "../types.ts";
import { keptSearch } from "./kept_search.ts";
import { gather, proofOf, siteOf } from "./site.ts";
import type { SiteSearch } from "./types.ts";

/** Why there is no library. */
export const LINKED_IN = "Kea's libraries are linked into the executable, at unknown places";

/** Whether a server has Kea's libraries within its executable. */
export function isLinkedIn(libraries: readonly MappedFile[]): boolean {
  return !libraries.some(({ path }) => path.includes("/libkea-"));
}

/**
 * Entries of exported functions: the first emulated instruction of the entry block.
 *
 * @param library the beginning of its file name.
 * @param symbols mangled names by site id.
 * @param hits forecast of hits per packet, by site id.
 */
export async function functionEntries(
  libraries: readonly MappedFile[],
  library: string,
  symbols: Readonly<Record<string, string>>,
  hits: (id: string) => number,
): Promise<SiteSearch> {
  const file = libraries.find(({ path }) => path.split("/").at(-1)!.startsWith(library));
  const ids = Object.entries(symbols);
  if (file === undefined) {
    const why = library.startsWith("libkea-") && isLinkedIn(libraries)
      ? LINKED_IN
      : `the server maps no ${library}`;
    return { sites: [], refusals: ids.map(([id]) => ({ id, why })) };
  }
  const { sites, refusals } = await keptSearch(
    `entries of ${JSON.stringify([library, symbols])}`,
    file,
    (copy) => entriesIn(copy, library, ids),
  );
  return { sites: sites.map((site) => ({ ...site, hitsPerPacket: hits(site.id) })), refusals };
}

async function entriesIn(
  file: MappedFile,
  library: string,
  symbols: readonly (readonly [id: string, name: string])[],
): Promise<SiteSearch> {
  const exported = await exportedFunctions(file.pinnedPath);
  return gather(
    await Promise.all(symbols.map(async ([id, name]) => {
      const bounds = boundsOf(exported, name);
      if (bounds === undefined) return { id, why: `${library} does not export ${name}` };
      const [first, second] = await disassemble(file.pinnedPath, bounds);
      if (first?.address !== bounds.start) return { id, why: `${name} could not be decoded` };
      // After endbr64 (CET) the arguments are still unchanged.
      const chosen = first.text.startsWith("endbr64") && second !== undefined &&
          instructionClass(second) === "emulated"
        ? second
        : first;
      const site = siteOf(id, file, chosen, proofOf(file, bounds, "symbol", null), 0);
      return [{ ...site, symbol: chosen === first ? name : null, entrySymbol: name }];
    })),
  );
}
