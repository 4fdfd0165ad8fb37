/**
 * Running Kea servers, and the description of one from /proc.
 *
 * @module
 */

import { ForeignFileError, openLinked } from "../system/foreign_file.ts";
import { openPaths, socketInodes } from "../system/descriptors.ts";
import { linkTarget } from "../system/libc.ts";
import { isGone, parseStat } from "../system/proc.ts";
import { readSocketTable } from "../system/read_proc.ts";
import { hookLibrariesOf } from "./hook_libraries.ts";
import { DiscoveryError } from "./discovery_error.ts";
import { configuredOf } from "./configuration/server_configuration.ts";
import { mappedFiles } from "./mapped_files.ts";
import { programVersion } from "./program_version.ts";
import type { Family, Server } from "./types.ts";

const FAMILIES: Readonly<Record<string, Family>> = { "kea-dhcp4": 4, "kea-dhcp6": 6 };

/** The user must choose one of several servers. */
export class ChoiceError extends DiscoveryError {
  override name = "ChoiceError";
}

/** A process that calls itself a Kea DHCP server; none of its files has been read. */
export interface RunningKea {
  readonly pid: number;
  readonly family: Family;
  /** Path of its program, as the kernel shows it. */
  readonly executable: string;
}

/** All processes that call themselves Kea DHCP servers, by process id. */
export function runningKeas(): RunningKea[] {
  const found: RunningKea[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    const kea = /^\d+$/.test(name) ? keaAt(Number(name)) : null;
    if (kea !== null) found.push(kea);
  }
  return found.toSorted((a, b) => a.pid - b.pid);
}

/** A Kea; null for a process that has ended, that we may not read, or whose path is not text. */
export function keaAt(pid: number): RunningKea | null {
  const target = linkTarget(`/proc/${pid}/exe`);
  if (target === null) return null;
  const executable = withoutMark(target);
  const family = FAMILIES[executable.slice(executable.lastIndexOf("/") + 1)];
  return family === undefined ? null : { pid, family, executable };
}

/** A path without the kernel's mark of a file that has been removed or replaced. */
function withoutMark(path: string): string {
  return path.replace(/ \(deleted\)$/, "");
}

/**
 * Finds the server that the user chose, and describes only that one.
 *
 * @param selector a process id, `dhcp4`, `dhcp6`, or nothing for the lab's (`KEA_LAB_PID`, in a
 * command of `deno task lab`), else for the only one that runs.
 * @param describe describes it: `describeServer()`, or in another process.
 * @throws {ChoiceError} when there is more than one; {@linkcode DiscoveryError} when there is none.
 */
export async function chooseServer(
  selector: string | undefined = Deno.env.get("KEA_LAB_PID") || undefined,
  describe: (pid: number) => Promise<Server> = describeServer,
): Promise<Server> {
  if (selector !== undefined && /^\d+$/.test(selector)) {
    return await describe(Number(selector));
  }
  if (selector !== undefined && !/^dhcp[46]$/.test(selector)) {
    throw new ChoiceError(
      `Cannot choose a server by "${selector}": expected a process id, dhcp4 or dhcp6`,
    );
  }
  return await describe(onlyServer(runningKeas(), selector).pid);
}

/**
 * The only server, or the only one of a family.
 *
 * @param selector `dhcp4`, `dhcp6`, or nothing.
 * @throws {ChoiceError} when there is more than one; {@linkcode DiscoveryError} when there is none.
 */
export function onlyServer(running: readonly RunningKea[], selector?: string): RunningKea {
  const servers = running.filter(({ family }) =>
    selector === undefined || selector === `dhcp${family}`
  );
  if (servers.length === 1) return servers[0]!;
  const expected = selector === undefined ? "kea-dhcp4 or kea-dhcp6" : `kea-${selector}`;
  if (servers.length === 0) {
    throw new DiscoveryError(
      `Cannot find a running ${expected}: start it, or try "deno task demo", which brings its own`,
    );
  }
  const list = servers.map(({ pid, executable, family }) =>
    `${pid} (${executable}, DHCPv${family})`
  );
  const families = ([4, 6] as const).filter((each) =>
    servers.filter(({ family }) => family === each).length === 1
  );
  const ways = ["PID", ...families.map((family) => `dhcp${family}`)].map((way) =>
    `--server ${way}`
  );
  throw new ChoiceError(
    `Cannot choose among ${servers.length} servers, give one with ${ways.join(" or ")}: ` +
      list.join(", "),
  );
}

/**
 * Describes a server from /proc.
 *
 * @throws {DiscoveryError} when there is no such process, it is not a Kea DHCP server, or we may not
 * read it.
 */
export async function describeServer(pid: number): Promise<Server> {
  try {
    const family = keaAt(pid)?.family;
    if (family === undefined) {
      throw new DiscoveryError(
        `Cannot watch process ${pid}: expected kea-dhcp4 or kea-dhcp6, it runs ${programOf(pid)}`,
      );
    }
    const [executable, ...libraries] = await mappedFiles(pid);
    if (executable === undefined) throw new Deno.errors.NotFound("It maps nothing any more");
    const { startTicks, threads } = parseStat(await Deno.readTextFile(`/proc/${pid}/stat`));
    const sockets = await openSockets(pid, family);
    const leaseFile = await leaseFileOf(pid, family);
    return {
      pid,
      family,
      version: programVersion(executable.pinnedPath),
      executable,
      libraries,
      host: Deno.hostname(),
      startTicks,
      sockets,
      leaseFile,
      ...await configuredOf({ pid, family, libraries, leaseFile }),
      threads,
      cpus: cpusIn(await Deno.readTextFile(`/proc/${pid}/status`)),
      hookLibraries: (await hookLibrariesOf(libraries)).map(({ path }) => path),
    };
  } catch (error) {
    if (isGone(error)) {
      throw new DiscoveryError(`Cannot find process ${pid}: it does not run (any more)`);
    }
    if (error instanceof ForeignFileError) {
      throw new DiscoveryError(`Cannot read what process ${pid} maps: ${error.message}`);
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new DiscoveryError(
        Deno.uid() === 0
          ? `Cannot read process ${pid}: this system denies it even to root`
          : `Cannot read process ${pid} without root: run it with sudo`,
      );
    }
    throw error;
  }
}

/** How many CPUs /proc/PID/status allows: "0-3,8" are five. */
export function cpusIn(status: string): number {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? "";
  return list.split(",").map((range) => range.split("-").map(Number))
    .reduce((sum, [first, last = first]) => sum + last! - first! + 1, 0);
}

/** The program of a process, for people. */
function programOf(pid: number): string {
  try {
    return withoutMark(Deno.readLinkSync(`/proc/${pid}/exe`));
  } catch (error) {
    // Deno returns only UTF-8 text.
    if (error instanceof Deno.errors.InvalidData) return "a program whose path is not UTF-8";
    throw error;
  }
}

/**
 * Where a server writes leases, by its descriptors. Their files are opened, and a file system may hang.
 *
 * @throws {Deno.errors.NotFound} when there is no such process.
 */
async function leaseFileOf(pid: number, family: Family): Promise<Server["leaseFile"]> {
  let found: Server["leaseFile"] = null;
  for (const [fd, path] of openPaths(pid)) {
    if (await isLeaseFile(pid, String(fd), family)) found = { path, fd };
  }
  return found;
}

/**
 * How a server receives, by its sockets.
 *
 * @throws {Deno.errors.NotFound} when there is no such process.
 */
export async function openSockets(pid: number, family: Family): Promise<Server["sockets"]> {
  const inodes = socketInodes(pid);
  const raw = column(await readSocketTable(pid, "packet"), 8);
  const table = await readSocketTable(pid, family === 6 ? "udp6" : "udp");
  const port = family === 4 ? "0043" : "0223";
  const udp = column(
    table.split("\n").filter((line) => line.trim().split(/\s+/)[1]?.endsWith(`:${port}`)).join(
      "\n",
    ),
    9,
  );
  if (raw.some((inode) => inodes.has(inode))) return ["raw"];
  return udp.some((inode) => inodes.has(inode)) ? ["udp"] : [];
}

/** A memfile lease file is open for writing and begins with the names of its columns. */
async function isLeaseFile(pid: number, fd: string, family: Family): Promise<boolean> {
  try {
    const flags = await Deno.readTextFile(`/proc/${pid}/fdinfo/${fd}`);
    const octal = parseInt(/^flags:\s+(\d+)$/m.exec(flags)?.[1] ?? "0", 8);
    if ((octal & 3) === 0) return false;
    using file = openLinked(`/proc/${pid}/fd/${fd}`);
    const bytes = new Uint8Array(32);
    const length = file.readSync(bytes) ?? 0;
    const start = new TextDecoder().decode(bytes.subarray(0, length));
    return start.startsWith(family === 4 ? "address,hwaddr," : "address,duid,");
  } catch (error) {
    if (isGone(error) || error instanceof ForeignFileError) return false;
    throw error;
  }
}

function column(table: string, index: number): string[] {
  return table.split("\n").map((line) => line.trim().split(/\s+/)[index] ?? "");
}
