/**
 * Open descriptors of another process.
 *
 * @module
 */

import { checkModest } from "./greedy_process.ts";
import { linkTarget } from "./libc.ts";

/**
 * Where the descriptors of a process lead; null for one that was closed meanwhile, or leads to a path that is not
 * text. None of them is touched.
 *
 * @throws {GreedyProcessError} when it has too many.
 * @throws {Deno.errors.NotFound} when it has ended.
 * @throws {Deno.errors.PermissionDenied} when we may not read it.
 */
export function openDescriptors(pid: number): [fd: number, target: string | null][] {
  checkModest(pid);
  return Array.from(
    Deno.readDirSync(`/proc/${pid}/fd`),
    ({ name }) => [Number(name), linkTarget(`/proc/${pid}/fd/${name}`)],
  );
}

/** Inodes of a process's sockets, as the tables of /proc/PID/net name them; errors as above. */
export function socketInodes(pid: number): Set<string> {
  const inodes = new Set<string>();
  for (const [, target] of openDescriptors(pid)) {
    const inode = /^socket:\[(\d+)\]$/.exec(target ?? "")?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  return inodes;
}

/** The files that a process has open, by descriptor; errors as above. */
export function openPaths(pid: number): Map<number, string> {
  const found = new Map<number, string>();
  for (const [fd, target] of openDescriptors(pid)) {
    if (target?.startsWith("/")) found.set(fd, target);
  }
  return found;
}
