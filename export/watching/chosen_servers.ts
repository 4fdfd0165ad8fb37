/**
 * Which servers of the host an exporter watches.
 *
 * @module
 */

import type { RunningKea } from "../../discovery/servers.ts";
import { controlGroupOf } from "./control_group.ts";

/** What `--server` takes. */
export const CHOICE = /^([1-9]\d*|dhcp[46]|[\w@:.\\-]+\.(service|scope))$/;

/**
 * Whether a server is watched: one that the user chose; in a command of `deno task lab`, one of the lab; otherwise
 * each.
 *
 * @param chosen process ids, units, `dhcp4`, `dhcp6`.
 * @param networkNamespace name of the lab's, which its servers keep when they are restarted.
 */
export function isChosen(
  kea: RunningKea,
  chosen: readonly string[],
  networkNamespace: string | undefined = Deno.env.get("KEA_LAB_SERVER_NETNS") || undefined,
): boolean {
  if (chosen.length > 0) return chosen.includes(`dhcp${kea.family}`) || isNamed(kea, chosen);
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
  return lab !== null && inode(`/proc/${kea.pid}/ns/net`) === lab;
}

/** Whether the user named this server: by its process id, or by the unit of the system that it runs in. */
export function isNamed({ pid }: RunningKea, chosen: readonly string[]): boolean {
  if (chosen.includes(String(pid))) return true;
  if (!chosen.some((each) => each.includes("."))) return false;
  const group = controlGroupOf(pid);
  return group !== null && group.isOfRoot && group.unit !== null && chosen.includes(group.unit);
}
