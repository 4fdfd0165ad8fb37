/**
 * Files that a watched process names: opened inside that process's own root, only regular files, and only up
 * to a limit.
 *
 * @module
 */

import { readUpTo } from "./file_bytes.ts";
import { type Descriptor, openAtOnce, openInRoot, openPath, openPathLater } from "./libc.ts";
import { reasonOf } from "./reason.ts";

/** A file is not what it is expected to be, cannot be read, or is too large. */
export class ForeignFileError extends Error {
  override name = "ForeignFileError";
}

/** A regular file that was found and not opened yet; it cannot be replaced by another. */
export interface FoundFile extends Disposable {
  /** Where this process can open it. */
  readonly path: string;
  /** The descriptor (O_PATH) that holds it. */
  readonly fd: number;
}

/**
 * Opens the target of a link in /proc (`/proc/PID/exe`, `fd/N`, `map_files/RANGE`), if it is a regular file.
 *
 * @throws {ForeignFileError} when it is not.
 * @throws {Deno.errors.NotFound | Deno.errors.PermissionDenied} as for any file.
 */
export function openLinked(link: string): Deno.FsFile {
  using file = linkedFile(link);
  return opened(file);
}

/** The same without opening it. */
export function linkedFile(link: string): FoundFile {
  const found = openPath(link);
  // Deno's class of the error, if it has one.
  if (typeof found === "string") Deno.statSync(link);
  return regular(found);
}

/** The same without making this process wait: finding the link of a process that hangs takes for ever. */
export async function linkedFileLater(link: string): Promise<FoundFile> {
  const found = await openPathLater(link);
  if (found === null) {
    // Deno's class of the error, if it has one.
    await Deno.stat(link);
    throw new ForeignFileError("it cannot be found, or too many files are open: ulimit -n");
  }
  const path = `/proc/self/fd/${found.fd}`;
  const isFile = await Deno.stat(path).then((info) => info.isFile, () => false);
  if (isFile) return foundFile(found, path);
  found[Symbol.dispose]();
  throw new ForeignFileError("it is no regular file");
}

function foundFile(found: Descriptor, path: string): FoundFile {
  return { path, fd: found.fd, [Symbol.dispose]: () => found[Symbol.dispose]() };
}

function opened({ path }: FoundFile): Deno.FsFile {
  const first = openAtOnce(path);
  if (typeof first === "string") throw new ForeignFileError(first);
  using _ = first;
  try {
    return Deno.openSync(path);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ForeignFileError(reasonOf(error));
  }
}

function regular(found: Descriptor | string): FoundFile {
  if (typeof found === "string") throw new ForeignFileError(found);
  // O_PATH has not opened it: its type can be checked without side effects.
  const path = `/proc/self/fd/${found.fd}`;
  if (Deno.statSync(path).isFile) return foundFile(found, path);
  found[Symbol.dispose]();
  throw new ForeignFileError("it is no regular file");
}

/**
 * Reads a regular file as a process sees it: links are resolved inside its root, never in ours, and
 * devices, pipes and sockets are not opened at all.
 *
 * @param path absolute, as the process names it.
 * @param limitBytes the most that is read.
 * @throws {ForeignFileError} when it cannot be opened or is larger.
 */
export function readForeignFile(
  pid: number,
  path: string,
  limitBytes: number,
): Uint8Array<ArrayBuffer> {
  using found = regular(openInRoot(`/proc/${pid}/root`, path));
  // Files of /proc and tracefs are regular too, and some block for ever: /proc/kmsg, trace_pipe.
  if (Deno.statSync(found.path).size === 0) return new Uint8Array();
  using file = opened(found);
  const most = Math.min(file.statSync().size, limitBytes);
  const bytes = readUpTo(file, 0, most + 1);
  // It was too large, or grew while it was read.
  if (bytes.length > most) throw new ForeignFileError(`it is larger than ${most} bytes`);
  return bytes;
}
