/**
 * Whether other users can change or replace a file or folder.
 *
 * @module
 */

import { dirname } from "node:path";
import { isGone } from "./proc.ts";

/**
 * Whether only this user and root can write to a folder or replace it. A folder that does not exist is
 * judged by its parent.
 */
export function isOnlyOurs(folder: string): boolean {
  try {
    return isSafe(folder, Deno.uid()!, true);
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** Whether only root can change or replace a file; false for a path with links. */
export async function isRootsAlone(path: string): Promise<boolean> {
  try {
    return await Deno.realPath(path) === path && isSafe(path, 0, true);
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

function isSafe(path: string, owner: number, isLast: boolean): boolean {
  const found = lstatOf(path);
  if (found !== null) {
    if (found.uid !== owner && (isLast || found.uid !== 0)) return false;
    // A link's mode has no meaning.
    if (found.isSymlink) {
      return isSafe(dirname(path), owner, false) && isSafe(Deno.realPathSync(path), owner, isLast);
    }
    // In a sticky folder such as /tmp, other users cannot replace our files.
    const isSticky = !isLast && (found.mode! & STICKY) !== 0;
    if ((found.mode! & othersWrite(owner)) !== 0 && !isSticky) return false;
  }
  return path === "/" || isSafe(dirname(path), owner, false);
}

/** Writable by all, or, for root's folders, by a group: a group may belong to one user. */
const othersWrite = (owner: number) => owner === 0 ? 0o022 : 0o002;
const STICKY = 0o1000;

function lstatOf(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
