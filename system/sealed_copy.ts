/**
 * Copies of foreign files for programs that look into them: nothing else can change them, they can be
 * read without any right of ours, and they vanish with this process.
 *
 * @module
 */

import { sealedMemory } from "./libc.ts";
import { readAll } from "./foreign_file.ts";

/** A file's bytes, readable by every child of this process at one path. */
export interface SealedCopy extends Disposable {
  /** Path for a child: `/proc/self/fd/N`. */
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Copies a file into sealed memory.
 *
 * @param path that we may open: regular, and chosen by us (`/proc/PID/exe`, `/proc/PID/map_files/...`).
 * @param limitBytes the most that is copied.
 * @throws {ForeignFileError} when it is larger.
 * @throws {Deno.errors.NotFound} when there is no such file.
 */
export function sealedCopy(path: string, limitBytes: number): SealedCopy {
  using file = Deno.openSync(path);
  const bytes = readAll(file, limitBytes);
  const memory = sealedMemory(bytes);
  return {
    path: `/proc/self/fd/${memory.fd}`,
    bytes,
    [Symbol.dispose]: () => memory[Symbol.dispose](),
  };
}
