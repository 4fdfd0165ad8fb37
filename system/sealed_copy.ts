/**
 * Copies of foreign files for programs that read them: no one can change them, they can be read
 * without our rights, and they vanish with this process.
 *
 * @module
 */

import { ForeignFileError, linkedFile } from "./foreign_file.ts";
import { openAtOnce, sealedMemory } from "./libc.ts";

/** A file's bytes, readable by every child of this process at one path. */
export interface SealedCopy extends Disposable {
  /** Path for a child: `/proc/self/fd/N`. */
  readonly path: string;
}

/**
 * Copies a file into sealed memory.
 *
 * @param path chosen by us (`/proc/PID/exe`, `/proc/PID/map_files/...`).
 * @param limitBytes the most that is copied.
 * @throws {ForeignFileError} when it is not a regular file, cannot be read without waiting, or is larger.
 * @throws {Deno.errors.NotFound | Deno.errors.PermissionDenied} as for any file.
 */
export function sealedCopy(path: string, limitBytes: number): SealedCopy {
  using file = linkedFile(path);
  const source = openAtOnce(file.path);
  if (typeof source === "string") throw new ForeignFileError(source);
  using from = source;
  const memory = sealedMemory(from.fd, limitBytes);
  if (typeof memory === "string") throw new ForeignFileError(memory);
  return {
    path: `/proc/self/fd/${memory.fd}`,
    [Symbol.dispose]: () => memory[Symbol.dispose](),
  };
}
