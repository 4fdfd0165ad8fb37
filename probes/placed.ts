/**
 * Whether probes stand where they were proven, read in the memory of the server: what attached is not
 * believed.
 *
 * @module
 */

import { fileOffset, loadSegments } from "../discovery/elf.ts";
import { addressesOf, changedCode, codeMappings } from "../discovery/memory.ts";
import type { MappedFile, Site } from "../discovery/types.ts";

/** What the kernel puts in place of an instruction's first byte: int3. */
const BREAKPOINT = 0xcc;

/** Probes that are not as planned. */
export interface Misplaced {
  /** One line for people. */
  readonly why: string;
  /** The sites that hold no probe; none where a probe stands where none was planned. */
  readonly missing: readonly Site[];
}

/** The server's code as it was before probes were attached, and where they should stand. */
export class Placed {
  readonly #pid: number;
  readonly #files: readonly MappedFile[];
  readonly #offsets: ReadonlyMap<Site, number>;
  /** Breakpoints of other tools. */
  readonly #before: ReadonlyMap<number, number>;

  private constructor(
    pid: number,
    files: readonly MappedFile[],
    offsets: ReadonlyMap<Site, number>,
  ) {
    this.#pid = pid;
    this.#files = files;
    this.#offsets = offsets;
    this.#before = changedCode(pid, files) ?? new Map();
  }

  /** Looks at the code of a server before probes are attached at some sites. */
  static async before(pid: number, sites: readonly Site[]): Promise<Placed> {
    const files = new Map(sites.map(({ file }) => [file.pinnedPath, file]));
    const offsets = new Map<Site, number>();
    for (const path of files.keys()) {
      const segments = await loadSegments(path);
      for (const site of sites.filter(({ file }) => file.pinnedPath === path)) {
        const offset = fileOffset(segments, site.address);
        if (offset !== null) offsets.set(site, offset);
      }
    }
    return new Placed(pid, [...files.values()], offsets);
  }

  /**
   * Looks again, when all are attached: one breakpoint on the first byte of each site, and none of ours
   * anywhere else. Where every site has got one since, what has changed beside them is another tool's.
   *
   * @returns null when all is as planned, or the server is gone.
   */
  misplaced(): Misplaced | null {
    const now = changedCode(this.#pid, this.#files);
    if (now === null) return null;
    const maps = Deno.readTextFileSync(`/proc/${this.#pid}/maps`);
    const planned = new Set<number>();
    const missing: Site[] = [];
    for (const [site, offset] of this.#offsets) {
      const places = addressesOf(codeMappings(maps, site.file), offset);
      for (const place of places) planned.add(place);
      if (places.some((place) => now.get(place) !== BREAKPOINT)) missing.push(site);
    }
    const isNew = (place: number) => !this.#before.has(place);
    const strange = [...now.keys()].filter((place) => isNew(place) && !planned.has(place));
    const isAccounted = planned.values().every(isNew) && planned.size >= this.#offsets.size;
    if (missing.length === 0 && (strange.length === 0 || isAccounted)) return null;
    const [stray] = strange;
    return stray === undefined
      ? {
        why: `the server's memory holds no probe at ${missing.map(({ id }) => id).join(", ")}`,
        missing,
      }
      : {
        why: `a probe stands at 0x${stray.toString(16)} in the server's memory, where none was ` +
          "planned: all were taken away at once",
        missing: [],
      };
  }

  /** How many breakpoints there are that were not there before. */
  left(): number {
    const now = changedCode(this.#pid, this.#files) ?? new Map<number, number>();
    return [...now.keys()].filter((place) => !this.#before.has(place)).length;
  }
}
