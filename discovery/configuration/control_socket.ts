/**
 * The sockets on which a running server accepts commands. The kernel knows their paths, whatever the
 * configuration and the version make of a name.
 *
 * @module
 */

import { socketInodes } from "../../system/descriptors.ts";
import { readSocketTable } from "../../system/read_proc.ts";
import { type KeaStart, pathAt } from "./kea_options.ts";

/**
 * Unix sockets on which a server listens; paths are in the server's own root.
 *
 * @throws {Deno.errors.NotFound} when it has ended.
 * @throws {DiscoveryError} when one is relative to a directory that is not known.
 */
export async function listeningSockets(pid: number, start: KeaStart): Promise<string[]> {
  const inodes = socketInodes(pid);
  const table = await readSocketTable(pid, "unix");
  return listeningPaths(table, inodes).map((path) => pathAt(start, path));
}

/**
 * Paths of listening sockets in the kernel's table.
 *
 * @param table what /proc/PID/net/unix shows.
 * @param inodes of the sockets in question.
 */
export function listeningPaths(table: string, inodes: ReadonlySet<string>): string[] {
  const paths = new Map<string, string[]>();
  // Num RefCount Protocol Flags Type St Inode Path; the flag is __SO_ACCEPTCON.
  const lines = /^[0-9a-f]+: [0-9A-F]{8} 0{8} 00010000 0001 \d\d +(\d+) ([^@\n][^\n]*)$/gm;
  for (const [, inode, path] of table.matchAll(lines)) {
    if (inodes.has(inode!)) paths.getOrInsertComputed(inode!, () => []).push(path!);
  }
  // A path may contain a line break and look like two lines: an inode that occurs twice is ignored.
  return [...paths.values()].flatMap((found) => found.length === 1 ? found : []);
}
