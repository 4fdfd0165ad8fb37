/**
 * Whether a server has changed since the probes were attached: process, sockets, lease file, hook libraries.
 *
 * @module
 */

import { linkTarget } from "../system/libc.ts";
import { isGone, isRunning } from "../system/proc.ts";
import { setTimeout as pause } from "node:timers/promises";
import { hookLibrariesOf } from "../discovery/hook_libraries.ts";
import { linkOf, parseMaps } from "../discovery/mapped_files.ts";
import { openFiles } from "../discovery/servers.ts";
import type { MappedFile, Server } from "../discovery/types.ts";
import type { Preparation } from "./preparation.ts";

/** Changes of a watched server. */
export type ServerChange = "server ended" | "server changed";

/** How often a server is examined after something about it has changed, before that is trusted to stay. */
const LOOKS = 5;

/** After so many looks it is examined anyway. */
const LOOKS_BETWEEN = 30;

/**
 * Looks again and again whether a server has changed. It is examined only if its descriptors or its memory map look
 * different: a socket is bound some time after it was made, and a lease file gets its first line after it was opened.
 */
export class ChangeWatch {
  readonly #server: Server;
  #seen = "";
  #looks = 0;

  constructor(server: Server) {
    this.#server = server;
  }

  /** As {@linkcode changeOf}. */
  async look(): Promise<ServerChange | null> {
    const { pid, startTicks } = this.#server;
    const seen = await appearanceOf(pid);
    this.#looks = seen === this.#seen ? this.#looks + 1 : 0;
    this.#seen = seen;
    const isSettled = this.#looks > LOOKS && this.#looks % LOOKS_BETWEEN !== 0;
    return isSettled && isRunning(pid, startTicks) ? null : await changeOf(this.#server);
  }
}

/** Where its descriptors lead, and what it has mapped; empty for a process that is gone. */
async function appearanceOf(pid: number): Promise<string> {
  try {
    const descriptors = Array.from(
      Deno.readDirSync(`/proc/${pid}/fd`),
      ({ name }) => `${name} ${linkTarget(`/proc/${pid}/fd/${name}`)}`,
    );
    return [...descriptors, await Deno.readTextFile(`/proc/${pid}/maps`)].join("\n");
  } catch (error) {
    if (isGone(error)) return "";
    throw error;
  }
}

/** The change of a server since the probes were attached, ignoring momentary ones. */
export async function changeOf(server: Server): Promise<ServerChange | null> {
  const first = await differenceOf(server);
  if (first !== "server changed") return first;
  // A lease file is closed before the next is opened.
  await pause(100);
  return await differenceOf(server);
}

async function differenceOf(server: Server): Promise<ServerChange | null> {
  const { pid, family } = server;
  if (!isRunning(pid, server.startTicks)) return "server ended";
  try {
    const { sockets, leaseFile } = await openFiles(pid, family);
    const isSame = sockets.join() === server.sockets.join() &&
      leaseFile?.path === server.leaseFile?.path && leaseFile?.fd === server.leaseFile?.fd &&
      !await hasOtherCode(server);
    return isSame ? null : "server changed";
  } catch (error) {
    if (isGone(error)) return "server ended";
    throw error;
  }
}

/** Whether a server runs another program, has new hook libraries, or has one elsewhere in memory. */
async function hasOtherCode(
  { pid, executable, libraries, hookLibraries }: Server,
): Promise<boolean> {
  const mapped = parseMaps(await Deno.readTextFile(`/proc/${pid}/maps`));
  // The same process, but with another program.
  if (!mapped.some(({ inode }) => inode === executable.inode)) return true;
  const now = mapped.filter(({ inode }) => inode !== executable.inode)
    .map(({ path, inode, range }) => ({ path, inode, pinnedPath: linkOf(pid, { range }) }));
  const places = new Set(now.map(placeOf));
  const before = new Set(libraries.map(placeOf));
  const isGoneOne = libraries.some((file) =>
    hookLibraries.includes(file.path) && !places.has(placeOf(file))
  );
  if (isGoneOne) return true;
  return (await hookLibrariesOf(now.filter((file) => !before.has(placeOf(file))))).length > 0;
}

/** A file, and where in memory it is mapped. */
function placeOf({ inode, pinnedPath }: Pick<MappedFile, "inode" | "pinnedPath">): string {
  return `${inode} ${pinnedPath}`;
}

/** Describes a server that is being reconfigured, once it has its sockets again. */
export async function settled(pid: number, { describe }: Preparation): Promise<Server> {
  const limit = performance.now() + 5000;
  const server = await describe(pid);
  while (server.sockets.length === 0 && performance.now() < limit) {
    await pause(200);
    // Describing takes longer, because the server is asked for its configuration. It also reports an end.
    const isDone = await openFiles(pid, server.family)
      .then(({ sockets }) => sockets.length > 0, () => true);
    if (isDone) return await describe(pid);
  }
  return server;
}
