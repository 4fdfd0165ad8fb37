/**
 * Whether a server has changed since the probes were attached: process, sockets, lease file, hook libraries.
 *
 * @module
 */

import { isGone, isRunning } from "../system/proc.ts";
import { setTimeout as pause } from "node:timers/promises";
import { basename } from "node:path";
import { hookLibrariesOf } from "../discovery/hook_libraries.ts";
import { parseMaps } from "../discovery/mapped_files.ts";
import { openFiles } from "../discovery/servers.ts";
import type { Server } from "../discovery/types.ts";
import type { Preparation } from "./preparation.ts";

/** Changes of a watched server. */
export type ServerChange = "server ended" | "server changed";

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
  if (!await isRunning(pid, server.startTicks)) return "server ended";
  try {
    const { sockets, leaseFile } = await openFiles(pid, family);
    const isSame = sockets.join() === server.sockets.join() &&
      leaseFile?.path === server.leaseFile?.path && leaseFile?.fd === server.leaseFile?.fd &&
      !await hasOtherHooks(server);
    return isSame ? null : "server changed";
  } catch (error) {
    if (isGone(error)) return "server ended";
    throw error;
  }
}

/** Whether a server has new hook libraries, or has one elsewhere in memory. */
async function hasOtherHooks(
  { pid, executable, libraries, hookLibraries }: Server,
): Promise<boolean> {
  const now = parseMaps(await Deno.readTextFile(`/proc/${pid}/maps`))
    .filter(({ inode }) => inode !== executable.inode);
  const places = new Set(now.map(({ inode, range }) => `${inode} ${range}`));
  const before = new Map(
    libraries.map((file) => [`${file.inode} ${basename(file.pinnedPath)}`, file] as const),
  );
  const isGoneOne = before.entries().some(([place, { path }]) =>
    hookLibraries.includes(path) && !places.has(place)
  );
  if (isGoneOne) return true;
  const others = now.filter(({ inode, range }) => !before.has(`${inode} ${range}`))
    .map(({ path, range }) => ({ path, pinnedPath: `/proc/${pid}/map_files/${range}` }));
  return (await hookLibrariesOf(others)).length > 0;
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
