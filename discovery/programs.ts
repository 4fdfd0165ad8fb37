/**
 * The Kea program that the user chose: a running one, an executable, or the installed server.
 *
 * @module
 */

import { resolveUserPath } from "../system/command_line.ts";
import { ForeignFileError, openLinked } from "../system/foreign_file.ts";
import { DiscoveryError } from "./discovery_error.ts";
import { buildIdOf } from "./mapped_files.ts";
import { neededLibraries } from "./needed_libraries.ts";
import { chooseServer, runningKeas } from "./servers.ts";
import type { MappedFile, Program } from "./types.ts";

/** Where distributions install servers: often not on an ordinary user's PATH. */
const FOLDERS = ["/usr/sbin", "/usr/local/sbin"];

/**
 * Finds the program that the user chose.
 *
 * @param chosen.server a process id, `dhcp4` or `dhcp6`, as for `chooseServer()`.
 * @param chosen.executable a file, relative to the user's folder. Without either it is the
 *   only server that runs, or the installed kea-dhcp4 when none does.
 * @throws {DiscoveryError} when there is no such program, or more than one.
 */
export async function chooseProgram(
  chosen: { readonly server?: string | undefined; readonly executable?: string | undefined },
): Promise<Program> {
  if (chosen.executable !== undefined) {
    return await installedProgram(resolveUserPath(chosen.executable));
  }
  if (chosen.server !== undefined || runningKeas().length > 0) {
    return await chooseServer(chosen.server);
  }
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), ...FOLDERS];
  for (const path of folders.map((folder) => `${folder}/kea-dhcp4`)) {
    if (await Deno.stat(path).then(({ isFile }) => isFile, () => false)) {
      return await installedProgram(path);
    }
  }
  throw new DiscoveryError(
    "Cannot find a Kea server, neither running nor installed: give one with --server or " +
      "--executable, or apt-get install kea-dhcp4-server",
  );
}

/**
 * Describes an executable and the libraries that the dynamic linker would load for it.
 *
 * @param folders where libraries are searched first, see `neededLibraries()`.
 * @param loaded libraries that the program loads while it runs: its hook libraries.
 * @throws {DiscoveryError} when a file cannot be read, or is not an ELF file.
 */
export async function installedProgram(
  path: string,
  folders: readonly string[] = [],
  loaded: readonly string[] = [],
): Promise<Program> {
  [path, ...loaded].forEach(checkElf);
  const executable = await installedFile(path);
  const needed = await Promise.all(
    [executable.path, ...loaded].map((file) => neededLibraries(file, folders)),
  );
  const paths = new Set([...loaded, ...needed.flat()]);
  const libraries = await Promise.all(Array.from(paths, installedFile));
  return {
    pid: null,
    family: path.split("/").at(-1)!.includes("dhcp6") ? 6 : 4,
    executable,
    libraries,
    databases: { leases: null, others: [] },
  };
}

/** The files of a program: its executable, Kea's own libraries, then the others. */
export function filesOf({ executable, libraries }: Program): MappedFile[] {
  const isKea = ({ path }: MappedFile) => path.includes("/libkea-") || path.includes("/kea/hooks/");
  return [executable, ...libraries.toSorted((a, b) => Number(isKea(b)) - Number(isKea(a)))];
}

function checkElf(path: string): void {
  try {
    using file = openLinked(path);
    const magic = new Uint8Array(4);
    file.readSync(magic);
    if (magic.toHex() === "7f454c46") return;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new DiscoveryError(`Cannot read "${path}": there is no such file`);
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new DiscoveryError(`Cannot read "${path}": permission is denied, try sudo`);
    }
    if (!(error instanceof ForeignFileError)) throw error;
  }
  throw new DiscoveryError(
    `Cannot read "${path}": expected an ELF executable like /usr/sbin/kea-dhcp4`,
  );
}

async function installedFile(path: string): Promise<MappedFile> {
  const real = await Deno.realPath(path);
  const { dev, ino } = await Deno.stat(real);
  return {
    path: real,
    pinnedPath: real,
    device: deviceText(dev),
    inode: ino ?? 0,
    buildId: buildIdOf(real),
    replaced: false,
  };
}

/** A device number as /proc/PID/maps writes it: major and minor, hexadecimal (gnu_dev_major). */
function deviceText(dev: number): string {
  const number = BigInt(dev);
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & 0xfffff000n);
  const minor = (number & 0xffn) | ((number >> 12n) & 0xffffff00n);
  return [major, minor].map((part) => part.toString(16).padStart(2, "0")).join(":");
}
