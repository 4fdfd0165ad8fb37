/**
 * A server's own test of its configuration (`kea-dhcp4 -t`). This is the only case in which the program of a
 * watched process is executed again, and only if that gives no user more rights.
 *
 * Any user's process may call itself kea-dhcp4, and the root user of a container owns every file in it.
 *
 * @module
 */

import { isGone } from "../../system/proc.ts";
import { runAtNetworkOf } from "../../system/network_namespace.ts";
import { isRootsAlone } from "../../system/only_ours.ts";
import { sharesNamespace } from "../../system/namespaces.ts";
import type { Ran } from "../../system/run.ts";
import { keaStartOf } from "../../discovery/configuration/kea_options.ts";
import type { MappedFile, Server } from "../../discovery/types.ts";

/** The result. */
export type Tested =
  | { readonly isRun: false; readonly why: string }
  | { readonly isRun: true; readonly ran: Ran };

/** Longest time for a server to test its configuration, and the limit of its output. */
const [LIMIT_MS, LIMIT_BYTES] = [20_000, 1024 * 1024];

/**
 * Makes a server's program test a configuration: as the server's user, without a way to become another, in
 * its own session and process namespace, which end with it, and only with Kea's own variables.
 *
 * @param path of the configuration, in the server's own root.
 * @throws {Deno.errors.NotFound} when the server is gone.
 */
export async function testConfiguration(
  server: Pick<Server, "pid" | "executable" | "libraries">,
  path: string,
): Promise<Tested> {
  const { pid, executable, libraries } = server;
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const [user, group] = [numberIn(status, "Uid"), numberIn(status, "Gid")];
  const why = await whyNot(pid, [executable, ...libraries], path, user);
  if (why !== null) return { isRun: false, why };
  const groups = /^Groups:\t(.*)$/m.exec(status)?.[1]?.trim().split(/\s+/).join() ?? "";
  const { isRelaxed, folders } = await keaStartOf(pid);
  // It checks the interfaces of the server's network namespace.
  const ran = await runAtNetworkOf(pid, [
    // Its children end with it.
    ...["unshare", "--pid", "--fork", "--"] as const,
    ...["setpriv", `--reuid=${user}`, `--regid=${group}`, "--no-new-privs", "--inh-caps=-all"],
    ...[groups === "" ? "--clear-groups" : `--groups=${groups}`, "--"],
    ...[executable.path, ...isRelaxed ? ["-X"] : [], "-t", path],
  ], {
    environment: folders,
    directory: `/proc/${pid}/cwd`,
    limitMs: LIMIT_MS,
    limitBytes: LIMIT_BYTES,
  });
  return { isRun: true, ran };
}

/** Why the program must not be run; null when only root decides what it is and does. */
async function whyNot(
  pid: number,
  files: readonly MappedFile[],
  configuration: string,
  user: number,
): Promise<string | null> {
  if (!await sharesNamespace(pid, "user") || !await sharesNamespace(pid, "pid")) {
    return "it runs in a container, and programs of a container are not run";
  }
  if (!await isSame(`/proc/${pid}/root/`, "/")) {
    return "it has its own root folder, and programs in it are not run";
  }
  for (const { path, pinnedPath } of files) {
    if (!await isSame(pinnedPath, path)) {
      return `${path} is not the file that the server runs`;
    }
    if (!await isRootsAlone(path)) {
      return `users other than root can change ${path}, so it is not run`;
    }
  }
  // The configuration names libraries, which are loaded.
  if (user === 0 && !await isRootsAlone(configuration)) {
    return `users other than root can change ${configuration}, and the server runs as root`;
  }
  return null;
}

/** Whether two paths lead to the same file. */
async function isSame(path: string, other: string): Promise<boolean> {
  try {
    const [a, b] = await Promise.all([Deno.stat(path), Deno.stat(other)]);
    return a.ino === b.ino && a.dev === b.dev;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** The first number of a line of /proc/PID/status. */
function numberIn(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\t(\\d+)`, "m").exec(status)?.[1] ?? NaN);
}
