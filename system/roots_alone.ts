/**
 * Whether only root decides what a file is.
 *
 * @module
 */

import { dirname } from "node:path";
import { isGone } from "./proc.ts";

/** Whether only root can change or replace a file; false for a path with links. */
export async function isRootsAlone(path: string): Promise<boolean> {
  try {
    if (await Deno.realPath(path) !== path) return false;
    for (let at = path;; at = dirname(at)) {
      const { uid, mode, isDirectory } = await Deno.stat(at);
      // In a folder like /tmp, others may add files, but not change root's.
      const isShared = isDirectory && (mode! & 0o1000) !== 0;
      if (uid !== 0 || ((mode! & 0o022) !== 0 && !isShared)) return false;
      if (at === "/") return true;
    }
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}
