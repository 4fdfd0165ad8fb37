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
import type { MappedFile } from "../discovery/types.ts";
import type { Site } from "../discovery/sites/types.ts";

/** The most new changes that are examined one by one, each with a disassembler. */
const MOST_STRANGE = 100;

/** Probes that are not as planned. */
export interface Misplaced {
  /** One line for people. */
  readonly why: string;
  /** The sites without a probe; empty if a probe is inside an instruction. */
  readonly missing: readonly Site[];
}

/** The server's code before probes were attached, and where they should be. */
export class BreakpointCheck {
  readonly #pid: number;
  readonly #files: readonly MappedFile[];
  readonly #offsets: ReadonlyMap<Site, number>;
  /** Breakpoints of other tools. */
  readonly #before: ReadonlyMap<number, number>;

  private constructor(
    pid: number,
    files: readonly MappedFile[],
    offsets: ReadonlyMap<Site, number>,
    before: ReadonlyMap<number, number>,
  ) {
    this.#pid = pid;
    this.#files = files;
    this.#offsets = offsets;
    this.#before = before;
  }

  /**
   * Reads the code of a server before probes are attached.
   *
   * @returns null when it is gone, or does not map the code of a site any more.
   */
  static async before(pid: number, sites: readonly Site[]): Promise<BreakpointCheck | null> {
    const files = new Map(sites.map(({ file }) => [file.pinnedPath, file]));
    const offsets = new Map<Site, number>();
    for (const path of files.keys()) {
      const segments = await loadSegments(path);
      for (const site of sites.filter(({ file }) => file.pinnedPath === path)) {
        const offset = fileOffset(segments, site.address);
        if (offset !== null) offsets.set(site, offset);
      }
    }
    const code = changedCode(pid, [...files.values()]);
    if (code === null) return null;
    const maps = await Deno.readTextFile(`/proc/${pid}/maps`).catch(() => "");
    const isMapped = offsets.entries().every(([{ file }, offset]) =>
      addressesOf(codeMappings(maps, file), offset).length > 0
    );
    return isMapped ? new BreakpointCheck(pid, [...files.values()], offsets, code) : null;
  }

  /**
   * Reads it again when all are attached. There must be one breakpoint on the first byte of each site, and no
   * new one inside an instruction. New ones at the start of other instructions belong to another tool: a probe
   * is in every process that maps the file.
   *
   * @returns null when everything is as planned, or the server is gone.
   */
  async misplaced(): Promise<Misplaced | null> {
    const now = changedCode(this.#pid, this.#files);
    if (now === null) return null;
    const maps = Deno.readTextFileSync(`/proc/${this.#pid}/maps`);
    const planned = new Set<number>();
    const missing: Site[] = [];
    for (const [site, offset] of this.#offsets) {
      const places = addressesOf(codeMappings(maps, site.file), offset);
      for (const place of places) planned.add(place);
      // Nowhere: it runs another program now, or has unloaded the library.
      const isThere = places.length > 0 && places.every((place) => now.get(place) === BREAKPOINT);
      if (!isThere) missing.push(site);
    }
    const strange = [...now.keys()].filter((place) =>
      !this.#before.has(place) && !planned.has(place)
    );
    if (strange.length > MOST_STRANGE) {
      return {
        why:
          `${strange.length} bytes of the server's code changed while probes were attached, which ` +
          "are not ours: all of ours were detached at once",
        missing: [],
      };
    }
    for (const place of strange) {
      if (await this.#beginsInstruction(maps, place)) continue;
      return {
        why: `a probe is inside an instruction at 0x${place.toString(16)} in the server's ` +
          "memory: all of ours were detached at once",
        missing: [],
      };
    }
    if (missing.length === 0) return null;
    return {
      why: `the server's memory has no probe at ${missing.map(({ id }) => id).join(", ")}`,
      missing,
    };
  }

  /** Whether an instruction of one of the files begins at an address in the server's memory. */
  async #beginsInstruction(maps: string, place: number): Promise<boolean> {
    for (const file of this.#files) {
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
}
