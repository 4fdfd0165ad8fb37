/**
 * The server that replaces one that ended.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import { openSockets, runningKeas } from "../discovery/servers.ts";
import type { Family, Server } from "../discovery/types.ts";
import type { WatchState } from "./watch_state.ts";

/** How long a server that ended may take to come back, milliseconds. */
const RESTART_GRACE_MS = 15_000;

/**
 * Waits for a server of the same kind in the same network namespace.
 *
 * @param networkNamespace as `/proc/PID/ns/net` reads.
 * @returns null when none comes in time, or the watch is over.
 */
export async function successor(
  server: Server,
  networkNamespace: string,
  state: WatchState,
): Promise<Server | null> {
  const since = performance.now();
  const limit = since + (state.options.restartGraceMs ?? RESTART_GRACE_MS);
  while (performance.now() < limit && !state.isOver) {
    for (const { pid, family } of runningKeas()) {
      if (family !== server.family || !await isAt(pid, family, networkNamespace)) continue;
      const next = await state.options.preparation.describe(pid).catch(() => null);
      if (next !== null && (pid !== server.pid || next.startTicks !== server.startTicks)) {
        return next;
      }
    }
    // After a long time, check less often.
    const isLong = performance.now() - since > RESTART_GRACE_MS;
    await pause(isLong ? 2000 : 200);
  }
  return null;
}

/** Whether a process is in a network namespace, and has opened sockets for DHCP there. */
async function isAt(pid: number, family: Family, networkNamespace: string): Promise<boolean> {
  try {
    // A server that has not opened its sockets yet would get a plan without packets.
    return await Deno.readLink(`/proc/${pid}/ns/net`) === networkNamespace &&
      (await openSockets(pid, family)).length > 0;
  } catch {
    // If anything is wrong with it, it is not the successor.
    return false;
  }
}
