/**
 * A server's own test of its configuration (`kea-dhcp4 -t`): the only thing for which a program that a
 * watched process runs is run once more, and only where that gives no one a right that he has not.
 *
 * A process may call itself kea-dhcp4 and be anybody's, and root of a container owns every file in there.
 *
 * @module
 */

import { isGone } from "../../system/proc.ts";
import { dirname } from "node:path";
import { runAtNetworkOf } from "../../system/network_namespace.ts";
import { sharesNamespace } from "../../system/namespaces.ts";
import type { Ran } from "../../system/run.ts";
import { keaStartOf } from "../../discovery/configuration/kea_options.ts";
import type { MappedFile, Server } from "../../discovery/types.ts";

/** What came of it. */
export type Tested =
  | { readonly isRun: false; readonly why: string }
  | { readonly isRun: true; readonly ran: Ran };

/** Longest time for a server to test its configuration, and the most that it may say of it. */
const [LIMIT_MS, LIMIT_BYTES] = [20_000, 1024 * 1024];

/**
 * Has a server's program test a configuration: as the server's user, without a way to become another, in
 * a session and a process namespace of its own that end with it, and with Kea's own variables alone.
 *
 * @param path of the configuration, as the server sees it.
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
  // It looks for the interfaces that the server has.
  const ran = await runAtNetworkOf(pid, [
    // What it starts ends with it, wherever it goes.
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

/** Why the program must not be run; null when root alone decides what it is and does. */
async function whyNot(
  pid: number,
  files: readonly MappedFile[],
  configuration: string,
  user: number,
): Promise<string | null> {
  if (!await sharesNamespace(pid, "user") || !await sharesNamespace(pid, "pid")) {
    return "it runs in a container, and nothing of a container is run";
  }
  if (!await isSame(`/proc/${pid}/root/`, "/")) {
    return "it has a root folder of its own, and nothing of that is run";
  }
  for (const { path, pinnedPath } of files) {
    if (!await isSame(pinnedPath, path)) {
      return `${path} is not the file that the server runs, and that is not run`;
    }
    if (!await isRootsAlone(path)) {
      return `${path} can be changed by others than root, and nothing of theirs is run`;
    }
  }
  // It names libraries that are loaded.
  if (user === 0 && !await isRootsAlone(configuration)) {
    return `${configuration} can be changed by others than root, and the server runs as root`;
  }
  return null;
}

/** Whether two paths lead to one file, here. */
async function isSame(path: string, other: string): Promise<boolean> {
  try {
    const [a, b] = await Promise.all([Deno.stat(path), Deno.stat(other)]);
    return a.ino === b.ino && a.dev === b.dev;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** Whether root alone can change a file, or put another in its place; never where links lead to it. */
async function isRootsAlone(path: string): Promise<boolean> {
  try {
    if (await Deno.realPath(path) !== path) return false;
    for (let at = path;; at = dirname(at)) {
      const { uid, mode, isDirectory } = await Deno.stat(at);
      // In a folder like /tmp others may add what they like, and change nothing of root's.
      const isShared = isDirectory && (mode! & 0o1000) !== 0;
      if (uid !== 0 || ((mode! & 0o022) !== 0 && !isShared)) return false;
      if (at === "/") return true;
    }
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** The first number of a line of /proc/PID/status. */
function numberIn(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\t(\\d+)`, "m").exec(status)?.[1] ?? NaN);
}
