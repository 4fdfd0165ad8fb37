/**
 * Finds the sites worth probing in a server and verifies each: the file is the one that the process has
 * mapped, an instruction begins at the address, and it is the expected one.
 *
 * A probe inside an instruction would crash the server, so only `proveSites()` makes a Site.
 *
 * @module
 */

import { isGone } from "../../system/proc.ts";
import { readProc } from "../../system/read_proc.ts";
import { DiscoveryError } from "../discovery_error.ts";
import { ElfError, fileOffset, loadSegments, readAt } from "../code/elf.ts";
import { buildIdOf, isReplaced } from "../mapped_files.ts";
import { addressesOf, BREAKPOINT, codeMappings, ProcessMemory } from "../memory.ts";
import { hookPointsOf } from "../hook_points.ts";
import { type ReadHookPoints, SEARCHES } from "./all.ts";
import type { Program, Server } from "../types.ts";
import type { Site, SiteGroup, SiteSearch } from "./types.ts";

/**
 * Finds and verifies the sites of some groups. What is not available is returned as a refusal.
 *
 * @param program a running server, or an installed program that is not probed.
 * @param readHookPoints for a caller that needs the hook points, too, and reads them once.
 */
export async function proveSites(
  program: Program,
  groups: readonly SiteGroup[],
  readHookPoints: ReadHookPoints = () => hookPointsOf(program),
): Promise<SiteSearch> {
  if (Deno.build.arch !== "x86_64") {
    return {
      sites: [],
      refusals: groups.map((group) => ({
        id: `${group}.`,
        why: `sites inside functions are known for x86-64 only, this is ${Deno.build.arch}`,
      })),
    };
  }
  const searches = await Promise.all(groups.map(async (group): Promise<SiteSearch> => {
    try {
      return await SEARCHES[group](program, readHookPoints);
    } catch (error) {
      const expected = error instanceof DiscoveryError ||
        isGone(error) || error instanceof Deno.errors.PermissionDenied;
      if (!expected) throw error;
      return { sites: [], refusals: [{ id: `${group}.`, why: (error as Error).message }] };
    }
  }));
  return {
    sites: searches.flatMap(({ sites }) => sites),
    refusals: searches.flatMap(({ refusals }) => refusals),
  };
}

/**
 * Verifies a site again, right before it is probed: the path still leads to the verified file, and the
 * verified bytes are still there, in the file and in the server's memory. A breakpoint of another tool on the
 * instruction is allowed: the kernel uses one for both.
 *
 * @param server whose site it is.
 * @returns why it must not be probed; null when everything is right.
 */
export async function recheck(
  { pid, executable }: Pick<Server, "pid" | "executable">,
  site: Site,
): Promise<string | null> {
  const { file, proof, address } = site;
  const place = `0x${address.toString(16)}`;
  try {
    // Probes belong to the files that the process has mapped. A library that has been replaced on disk is
    // left out nevertheless, because the server will be restarted soon.
    if (file.pinnedPath !== executable.pinnedPath && await isReplaced(pid, file)) {
      return `"${file.path}" was replaced under the running server: restart it to watch its new code`;
    }
    const stat = await Deno.stat(file.pinnedPath);
    if (stat.ino !== proof.inode) {
      return `the file is inode ${stat.ino} now, inode ${proof.inode} was verified`;
    }
    const buildId = await buildIdOf(file.pinnedPath);
    if (buildId !== proof.buildId) {
      return `the file has build id ${buildId ?? "none"} now, ${
        proof.buildId ?? "none"
      } was verified`;
    }
    const segments = await loadSegments(file.pinnedPath);
    const offset = fileOffset(segments, address);
    if (offset === null) {
      return `${place} is not in a part of "${file.path}" that is mapped as code`;
    }
    const length = proof.bytes.length / 2;
    const original = readAt(file.pinnedPath, segments, address, length);
    const bytes = original.toHex();
    if (bytes !== proof.bytes) {
      return `at ${place} is ${bytes || "nothing"}, ${proof.bytes} was verified`;
    }
    const mappings = codeMappings(await readProc(pid, "maps"), file);
    using memory = ProcessMemory.open(pid);
    const copies = addressesOf(mappings, offset);
    if (copies.length === 0) return `the server does not map ${place} of "${file.path}" as code`;
    for (const copy of copies) {
      // A page that is not private is the file's.
      const found = original.map((byte, at) => memory.read(copy + at, 1)?.[0] ?? byte).toHex();
      if (found === bytes || found === `${BREAKPOINT.toString(16)}${bytes.slice(2)}`) continue;
      return `in the server's memory is ${found} for ${place}, ${bytes} was verified`;
    }
    return null;
  } catch (error) {
    if (isGone(error)) return "the server is gone, or its file";
    if (error instanceof ElfError) return error.message;
    throw error;
  }
}
