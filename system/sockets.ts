/**
 * Sockets that a process holds.
 *
 * @module
 */

/**
 * Inodes of a process's sockets, as the tables of /proc/PID/net name them.
 *
 * @throws {Deno.errors.NotFound} when it has ended.
 * @throws {Deno.errors.PermissionDenied} when we may not read it.
 */
export async function socketInodes(pid: number): Promise<Set<string>> {
  const inodes = new Set<string>();
  for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
    // Other descriptors may have been closed, or lead to a path that is not text.
    const target = await Deno.readLink(`/proc/${pid}/fd/${name}`).catch(() => "");
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  return inodes;
}
