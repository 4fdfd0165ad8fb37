/**
 * Sockets that a process holds.
 *
 * @module
 */

import { linkTarget } from "./libc.ts";

/**
 * Inodes of a process's sockets, as the tables of /proc/PID/net name them.
 *
 * @throws {Deno.errors.NotFound} when it has ended.
 * @throws {Deno.errors.PermissionDenied} when we may not read it.
 */
export function socketInodes(pid: number): Set<string> {
  const inodes = new Set<string>();
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
    // Other descriptors may have been closed, or lead to a path that is not text.
    const target = linkTarget(`/proc/${pid}/fd/${name}`);
    const inode = /^socket:\[(\d+)\]$/.exec(target ?? "")?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  return inodes;
}
