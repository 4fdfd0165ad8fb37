/**
 * The ELF files that a process maps, each with its identity, to detect a replaced file.
 *
 * @module
 */

import { isGone } from "../system/proc.ts";
import { readProc } from "../system/read_proc.ts";
import { openLinked } from "../system/foreign_file.ts";
import { openInRoot } from "../system/libc.ts";
import { DiscoveryError } from "./discovery_error.ts";
import type { MappedFile } from "./types.ts";

/** A mapping of an executable part of a file: a line of /proc/PID/maps. */
interface Mapping {
  readonly range: string;
  readonly device: string;
  readonly inode: number;
  readonly path: string;
}

/** Limit of files: Kea maps about 60, and each needs some programs; a hostile process may map very many. */
const MOST_FILES = 500;

/**
 * Parses /proc/PID/maps.
 *
 * @returns the first executable mapping of each file.
 */
export function parseMaps(text: string): Mapping[] {
  const found = new Map<string, Mapping>();
  for (const line of text.split("\n")) {
    const match = /^([0-9a-f]+-[0-9a-f]+) ..x. \S+ (\S+) ([1-9]\d*)\s+(\/.*)$/.exec(line);
    if (match === null) continue;
    const [, range, device, inode, path] = match;
    const key = `${device} ${inode}`;
    if (found.has(key)) continue;
    found.set(key, {
      // The kernel names links in map_files without leading zeros.
      range: range!.split("-").map((address) => BigInt(`0x${address}`).toString(16)).join("-"),
      device: device!,
      inode: Number(inode),
      path: path!.replace(/ \(deleted\)$/, ""),
    });
  }
  return [...found.values()];
}

/**
 * The files that a process maps for execution, its executable first.
 *
 * @throws {Deno.errors.NotFound} when there is no such process.
 * @throws {DiscoveryError} when they are more than a Kea can have.
 */
export async function mappedFiles(pid: number): Promise<MappedFile[]> {
  const executable = await Deno.stat(`/proc/${pid}/exe`);
  const mappings = parseMaps(await readProc(pid, "maps"));
  if (mappings.length > MOST_FILES) {
    throw new DiscoveryError(
      `Cannot watch process ${pid}: it maps ${mappings.length} files, expected ${MOST_FILES} at most`,
    );
  }
  const programLink = `/proc/${pid}/exe`;
  const files = await Promise.all(mappings.map(async (mapping): Promise<MappedFile> => {
    const link = linkOf(pid, mapping);
    // Another file system may have the same inode number.
    const isExecutable = mapping.inode === executable.ino &&
      (await Deno.stat(link)).dev === executable.dev;
    const pinnedPath = isExecutable ? programLink : link;
    return {
      path: mapping.path,
      pinnedPath,
      device: mapping.device,
      inode: mapping.inode,
      buildId: buildIdOf(pinnedPath),
      replaced: !await leadsTo(pid, mapping.path, pinnedPath),
    };
  }));
  return files.toSorted((a, b) =>
    Number(b.pinnedPath === programLink) - Number(a.pinnedPath === programLink)
  );
}

/** The link of /proc that leads to a mapped file, as long as it is mapped there. */
export function linkOf(pid: number, { range }: Pick<Mapping, "range">): string {
  return `/proc/${pid}/map_files/${range}`;
}

/** Whether the path of a file that a process maps, in its own root, now leads to another file. */
export async function isReplaced(
  pid: number,
  { path, pinnedPath }: MappedFile,
): Promise<boolean> {
  return !await leadsTo(pid, path, pinnedPath);
}

/**
 * A path in a process's own root: for a process in a chroot, the kernel shows the path of its root before it.
 */
export async function pathInRoot(path: string, pid: number): Promise<string> {
  const root = await Deno.readLink(`/proc/${pid}/root`);
  return root !== "/" && path.startsWith(`${root}/`) ? path.slice(root.length) : path;
}

/** Whether a path that the kernel shows for a process exists for that process. */
async function leadsTo(pid: number, path: string, pinnedPath: string): Promise<boolean> {
  try {
    const found = openInRoot(`/proc/${pid}/root`, await pathInRoot(path, pid));
    if (typeof found === "string") return false;
    using place = found;
    const [a, b] = await Promise.all([
      Deno.stat(`/proc/self/fd/${place.fd}`),
      Deno.stat(pinnedPath),
    ]);
    return a.dev === b.dev && a.ino === b.ino;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/**
 * Reads the GNU build id of an ELF file.
 *
 * @returns it in hexadecimal; null when the file has none or is not ELF.
 */
export function buildIdOf(path: string): string | null {
  using file = openLinked(path);
  // The notes follow the program headers; with every linker they are in the first page.
  const bytes = new Uint8Array(4096);
  const length = file.readSync(bytes) ?? 0;
  return parseBuildId(bytes.subarray(0, length));
}

/** Finds the note of type NT_GNU_BUILD_ID (3) by its header and name, little-endian ELF. */
export function parseBuildId(bytes: Uint8Array): string | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 64 || view.getUint32(0) !== 0x7f454c46) return null;
  for (let offset = 64; offset + 16 <= bytes.length; offset += 4) {
    const isNote = view.getUint32(offset, true) === 4 && view.getUint32(offset + 8, true) === 3 &&
      view.getUint32(offset + 12) === 0x474e5500;
    if (!isNote) continue;
    const length = view.getUint32(offset + 4, true);
    if (offset + 16 + length > bytes.length) return null;
    return bytes.slice(offset + 16, offset + 16 + length).toHex();
  }
  return null;
}

/**
 * Finds the start of each mapped file in memory.
 *
 * @param text of /proc/PID/maps.
 * @returns the lowest address of each path that is mapped from its first byte.
 */
export function basesOf(text: string): Map<string, number> {
  const bases = new Map<string, number>();
  for (const line of text.split("\n")) {
    const match = /^([0-9a-f]+)-\S+ \S+ 0{8} \S+ [1-9]\d*\s+(.+?)(?: \(deleted\))?$/.exec(line);
    if (match !== null && !bases.has(match[2]!)) bases.set(match[2]!, parseInt(match[1]!, 16));
  }
  return bases;
}
