/**
 * Which servers of the host an exporter watches.
 *
 * @module
 */

import type { RunningKea } from "../../discovery/servers.ts";

/**
 * Whether a server is watched: one that the user chose; in a command of `deno task lab`, one of the lab; otherwise
 * each.
 *
 * @param chosen process ids, `dhcp4`, `dhcp6`.
 * @param networkNamespace name of the lab's, which its servers keep when they are restarted.
 */
export function isChosen(
  { pid, family }: RunningKea,
  chosen: readonly string[],
  networkNamespace: string | undefined = Deno.env.get("KEA_LAB_SERVER_NETNS") || undefined,
): boolean {
  if (chosen.length > 0) {
    return chosen.includes(String(pid)) || chosen.includes(`dhcp${family}`);
  }
  if (networkNamespace === undefined) return true;
  const inode = (path: string) => {
    try {
      return Deno.statSync(path).ino;
    } catch {
      // The process or the lab has ended.
      return null;
    }
  };
  const lab = inode(`/run/netns/${networkNamespace}`);
  return lab !== null && inode(`/proc/${pid}/ns/net`) === lab;
}
