/**
 * Where our files stay between runs: only in folders that other users cannot write to.
 *
 * @module
 */

import { join } from "node:path";
import { homedir } from "node:os";
import { isOnlyOurs } from "./only_ours.ts";

/** There is no safe folder for our files. */
export class OwnFolderError extends Error {
  override name = "OwnFolderError";
}

/** What is kept: files that can be made again, or windows that wait to be sent. */
export type FolderKind = "cache" | "state";

/** By the XDG base directory specification; the last one is the host's, for root in another user's home. */
const PLACES: Readonly<
  Record<FolderKind, readonly [variable: string, home: string, host: string]>
> = {
  cache: ["XDG_CACHE_HOME", ".cache", "/var/cache"],
  state: ["XDG_STATE_HOME", ".local/state", "/var/lib"],
};

/**
 * The folder of this user and project for one kind of files; it may not exist yet. With `sudo -E` the home
 * belongs to another user, who could replace our files: root then uses the host's folder.
 *
 * @param variables of the environment.
 * @throws {OwnFolderError} when other users can write to all of the places.
 */
export function ownFolder(
  kept: FolderKind,
  variables: Pick<Deno.Env, "get"> = Deno.env,
): string {
  const [variable, home, host] = PLACES[kept];
  const named = variables.get(variable) || join(homedir(), home);
  for (const root of Deno.uid() === 0 ? [named, host] : [named]) {
    const folder = join(root, "kea-ebpf-monitoring");
    if (isOnlyOurs(folder)) return folder;
  }
  throw new OwnFolderError(
    `Cannot use "${named}/kea-ebpf-monitoring": a folder that user ${Deno.uid()} alone can write is ` +
      `expected, remove it or name another with ${variable}`,
  );
}
