/**
 * Where our files stay between runs: only in folders that other users cannot write to.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { homedir } from "node:os";

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
 * @throws {OwnFolderError} when other users can write to all of the places.
 */
export function ownFolder(kept: FolderKind): string {
  const [variable, home, host] = PLACES[kept];
  const named = Deno.env.get(variable) || join(homedir(), home);
  for (const root of Deno.uid() === 0 ? [named, host] : [named]) {
    const folder = join(root, "kea-ebpf-monitoring");
    if (isOnlyOurs(folder)) return folder;
  }
  throw new OwnFolderError(
    `Cannot use "${named}/kea-ebpf-monitoring": a folder that user ${Deno.uid()} alone can write is ` +
      `expected, remove it or name another with ${variable}`,
  );
}

/**
 * Whether only this user and root can write to a folder or replace it. A folder that does not exist is
 * judged by its parent.
 */
export function isOnlyOurs(folder: string): boolean {
  try {
    return isSafe(folder, true);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}

function isSafe(path: string, isLast: boolean): boolean {
  const found = lstatOf(path);
  if (found !== null) {
    if (found.uid !== Deno.uid() && (isLast || found.uid !== 0)) return false;
    // A link's mode has no meaning.
    if (found.isSymlink) {
      return isSafe(dirname(path), false) && isSafe(Deno.realPathSync(path), isLast);
    }
    // In a sticky folder such as /tmp, other users cannot replace our files.
    const isSticky = !isLast && (found.mode! & STICKY) !== 0;
    if ((found.mode! & OTHERS_WRITE) !== 0 && !isSticky) return false;
  }
  return path === "/" || isSafe(dirname(path), false);
}

/** Writable by all, or, for root's folders, by a group: a group may belong to one user. */
const OTHERS_WRITE = Deno.uid() === 0 ? 0o022 : 0o002;
const STICKY = 0o1000;

function lstatOf(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
