/**
 * Where files of ours stay between runs: never where another user could have put them.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { homedir } from "node:os";

/** No folder of our own can be had. */
export class OwnFolderError extends Error {
  override name = "OwnFolderError";
}

/** What is kept: things that can be made again, or what waits to be sent. */
export type FolderKind = "cache" | "state";

/** By the XDG base directory specification; the last is of the host, for root in a home that is not its own. */
const PLACES: Readonly<
  Record<FolderKind, readonly [variable: string, home: string, host: string]>
> = {
  cache: ["XDG_CACHE_HOME", ".cache", "/var/cache"],
  state: ["XDG_STATE_HOME", ".local/state", "/var/lib"],
};

/**
 * The folder of this user and project for one kind of files; it need not be there yet. With `sudo -E`
 * the home is another user's, who can put anything in the place of ours: root then uses the host's.
 *
 * @throws {OwnFolderError} when other users can write to each of the places.
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
 * Whether no other user but root can write to a folder, or put another in its place; one that is not
 * there is judged by what it would be in.
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
    // The mode of a link says nothing.
    if (found.isSymlink) {
      return isSafe(dirname(path), false) && isSafe(Deno.realPathSync(path), isLast);
    }
    // In a sticky folder, as /tmp is, no other user can replace what is ours.
    const isSticky = !isLast && (found.mode! & STICKY) !== 0;
    if ((found.mode! & OTHERS_WRITE) !== 0 && !isSticky) return false;
  }
  return path === "/" || isSafe(dirname(path), false);
}

/** Writable by all; root's not by a group either, which on many systems is a user's own. */
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
