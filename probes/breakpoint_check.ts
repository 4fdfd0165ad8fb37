/**
 * Verifies in the server's memory that probes are at their verified sites.
 *
 * @module
 */

import { disassemble } from "../discovery/code/disassembly.ts";
import { fileOffset, loadSegments } from "../discovery/code/elf.ts";
import { functionBounds } from "../discovery/code/frames.ts";
import {
  addressesOf,
  BREAKPOINT,
  changedCode,
  codeMappings,
  loadBias,
} from "../discovery/memory.ts";
import { isGone } from "../system/proc.ts";
import { readProc } from "../system/read_proc.ts";
import type { MappedFile } from "../discovery/types.ts";
import type { Site } from "../discovery/sites/types.ts";

/** The most new changes that are examined one by one, each with a disassembler. */
const MOST_STRANGE = 100;

/** Bytes of a server's code that differ from its files, by address in its memory. */
export type ChangedCode = ReadonlyMap<number, number>;

/** Probes that are not as planned. */
export interface Misplaced {
  /** One line for people. */
  readonly why: string;
  /** The ids of the sites without a probe; empty if a probe is inside an instruction. */
  readonly missing: readonly string[];
}

/**
 * Reads the code of a server before probes are attached: there may be breakpoints of other tools.
 *
 * @returns null when the server is gone, or does not map the code of a site any more.
 */
export async function codeBefore(
  pid: number,
  sites: readonly Site[],
): Promise<ChangedCode | null> {
  const code = changedCode(pid, filesOf(sites));
  if (code === null) return null;
  const places = await placesOf(pid, sites);
  return places.values().every((each) => each.length > 0) ? code : null;
}

/** Where in memory the sites are; nowhere when their files are not mapped any more. */
async function placesOf(
  pid: number,
  sites: readonly Site[],
): Promise<Map<Site, readonly number[]>> {
  const maps = await readProc(pid, "maps").catch((error) => {
    if (isGone(error)) return "";
    throw error;
  });
  const places = new Map<Site, readonly number[]>();
  for (const site of sites) {
    const offset = fileOffset(await loadSegments(site.file.pinnedPath), site.address);
    const mappings = codeMappings(maps, site.file);
    places.set(site, offset === null ? [] : addressesOf(mappings, offset));
  }
  return places;
}

/**
 * Reads it again when all are attached. There must be one breakpoint on the first byte of each site, and no
 * new one inside an instruction. New ones at the start of other instructions belong to another tool: a probe
 * is in every process that maps the file.
 *
 * @returns null when everything is as planned, or the server is gone.
 */
export async function misplacedProbes(
  pid: number,
  sites: readonly Site[],
  before: ChangedCode,
): Promise<Misplaced | null> {
  const files = filesOf(sites);
  const now = changedCode(pid, files);
  if (now === null) return null;
  const planned = new Set<number>();
  const missing: string[] = [];
  for (const [{ id }, places] of await placesOf(pid, sites)) {
    for (const place of places) planned.add(place);
    // Nowhere: it runs another program now, or has unloaded the library.
    const isThere = places.length > 0 && places.every((place) => now.get(place) === BREAKPOINT);
    if (!isThere) missing.push(id);
  }
  const strange = [...now.keys()].filter((place) => !before.has(place) && !planned.has(place));
  if (strange.length > MOST_STRANGE) {
    return {
      why:
        `${strange.length} bytes of the server's code changed while probes were attached, which ` +
        "are not ours: all of ours were detached at once",
      missing: [],
    };
  }
  for (const place of strange) {
    if (await beginsInstruction(pid, files, place)) continue;
    return {
      why: `a probe is inside an instruction at 0x${place.toString(16)} in the server's ` +
        "memory: all of ours were detached at once",
      missing: [],
    };
  }
  if (missing.length === 0) return null;
  return { why: `the server's memory has no probe at ${missing.join(", ")}`, missing };
}

/** Whether an instruction of one of the files begins at an address in the server's memory. */
async function beginsInstruction(
  pid: number,
  files: readonly MappedFile[],
  place: number,
): Promise<boolean> {
  const maps = await readProc(pid, "maps");
  for (const file of files) {
    const path = file.pinnedPath;
    const bias = loadBias(codeMappings(maps, file), await loadSegments(path));
    if (bias === null) continue;
    const address = place - bias;
    const holding = (await functionBounds(path)).find(({ start, end }) =>
      address >= start && address < end
    );
    if (holding === undefined) continue;
    return (await disassemble(path, holding)).some((each) => each.address === address);
  }
  return false;
}

function filesOf(sites: readonly Site[]): MappedFile[] {
  return [...new Map(sites.map(({ file }) => [file.pinnedPath, file])).values()];
}
