/**
 * The attach point of each site, for bpftrace.
 *
 * bpftrace reads a bare number as an address if a symbol covers it, and as an offset in the file otherwise.
 * With some linkers the two differ, and a probe at the wrong one is inside an instruction and kills the
 * server. So sites get names, in our own symbol files.
 *
 * @module
 */

import {
  type ElfSymbol,
  fileOffset,
  hasDebugLink,
  loadSegments,
  symbolRanges,
} from "../discovery/code/elf.ts";
import { DiscoveryError } from "../discovery/discovery_error.ts";
import { symbolOfSite, writeSiteSymbols } from "../discovery/sites/site_symbols.ts";
import type { MappedFile } from "../discovery/types.ts";
import type { Refusal, Site } from "../discovery/sites/types.ts";
import type { Plan } from "./plan.ts";

/** The text after `uprobe:` for each site, by its id, and the sites that cannot be named. */
export interface AttachPoints {
  readonly attachPoints: ReadonlyMap<string, string>;
  readonly refusals: readonly Refusal[];
}

/**
 * Names the sites.
 *
 * @param folder a private folder, for `BCC_SYMFS`.
 */
export async function attachPointsOf(
  sites: readonly Site[],
  folder: string,
): Promise<AttachPoints> {
  const attachPoints = new Map<string, string>();
  const refusals: Refusal[] = [];
  const named = sites.filter(({ file }) => file.buildId !== null);
  await writeSiteSymbols(named, folder);
  for (const { id, file } of named) {
    attachPoints.set(id, `"${file.pinnedPath}":${symbolOfSite(id)}`);
  }
  const unnamed = sites.filter(({ file }) => file.buildId === null);
  for (const ofFile of Map.groupBy(unnamed, ({ file }) => file.pinnedPath).values()) {
    try {
      const number = await numbering(ofFile[0]!.file);
      for (const site of ofFile) {
        const found = number(site);
        if ("why" in found) refusals.push({ id: site.id, why: found.why });
        else attachPoints.set(site.id, `"${site.file.pinnedPath}":${found.place}`);
      }
    } catch (error) {
      if (!(error instanceof DiscoveryError)) throw error;
      refusals.push(...ofFile.map(({ id }) => ({ id, why: error.message })));
    }
  }
  return { attachPoints, refusals };
}

/** Programs of a plan with sites that an error of bpftrace names. */
export function programsIn(complaint: string, { sources }: Pick<Plan, "sources">): string[] {
  const named = new Set(complaint.match(/\bkea_site_\w+/g));
  return sources.filter(({ sites }) => sites.some(({ id }) => named.has(symbolOfSite(id))))
    .map(({ file }) => file);
}

/**
 * For a file without a build id, for which bpftrace reads no symbol file: the offset, if no symbol covers the
 * offset or the address, so that it is unambiguous.
 */
async function numbering(
  file: MappedFile,
): Promise<(site: Site) => { readonly place: string } | { readonly why: string }> {
  const path = file.pinnedPath;
  const [segments, symbols, isLinked] = await Promise.all([
    loadSegments(path),
    symbolRanges(path),
    hasDebugLink(path),
  ]);
  return ({ address, symbol }) => {
    const offset = fileOffset(segments, address);
    if (offset === null) {
      return { why: `0x${address.toString(16)} is not in a part of "${file.path}" mapped as code` };
    }
    // bpftrace takes the first with the name.
    const namesakes = new Set(symbols.filter(({ name }) => name === symbol).map((s) => s.address));
    if (symbol !== null && namesakes.size === 1) return { place: symbol };
    const covers = ({ address: start, size }: ElfSymbol) =>
      (offset >= start && offset < start + size) || (address >= start && address < start + size);
    if (symbols.some(covers) || (isLinked && offset !== address)) {
      return {
        why:
          `"${file.path}" has no build id, and with its symbols bpftrace cannot distinguish the ` +
          `address 0x${address.toString(16)} from an offset in the file`,
      };
    }
    return { place: `0x${offset.toString(16)}` };
  };
}
