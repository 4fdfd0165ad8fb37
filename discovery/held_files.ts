/**
 * The files of a server, held open while they are probed.
 *
 * The links in /proc/PID lead to whatever the process runs and maps at that moment, and a hostile one can change that
 * between the proof of a site and its probe. A descriptor of this process always leads to the same file: the one that
 * is proved is the one that is probed.
 *
 * @module
 */

import { ForeignFileError, linkedFileLater } from "../system/foreign_file.ts";
import { isGone } from "../system/proc.ts";
import { inTime, readProc } from "../system/read_proc.ts";
import { DiscoveryError } from "./discovery_error.ts";
import { parseMaps } from "./mapped_files.ts";
import type { MappedFile, Server } from "./types.ts";

declare const HELD: unique symbol;

/**
 * A server whose files' pinned paths are `/proc/PID/fd/N` of this process, for this process and those that it starts.
 * They are valid until its {@linkcode HeldFiles} is disposed.
 */
export type HeldServer = Server & { readonly [HELD]: true };

/** Open descriptors of a server's files. Disposing closes them. */
export class HeldFiles implements Disposable {
  /** The server, without the libraries that are not held. */
  readonly server: HeldServer;
  /** Libraries that it has not mapped any more as they were described. */
  readonly missing: readonly string[];
  readonly #descriptors: DisposableStack;

  private constructor(server: Server, missing: readonly string[], descriptors: DisposableStack) {
    this.server = server as HeldServer;
    this.missing = missing;
    this.#descriptors = descriptors;
  }

  /**
   * Holds the files of a server; none of them is opened for reading.
   *
   * @returns null when the process is gone or runs another program.
   * @throws {DiscoveryError} when a file cannot be held, as with too many open files.
   */
  static async of(server: Server): Promise<HeldFiles | null> {
    const { pid, executable, libraries } = server;
    using descriptors = new DisposableStack();
    const held = new Map<MappedFile, MappedFile | null>();
    for (const file of [executable, ...libraries]) {
      held.set(file, await inTime(pid, () => holding(file, pid, descriptors)));
    }
    const mapped = await identitiesIn(pid);
    const asDescribed = (file: MappedFile): MappedFile | null =>
      mapped.has(identityOf(file)) ? held.get(file)! : null;
    const program = asDescribed(executable);
    if (program === null) return null;
    const found = libraries.map((file) => ({ path: file.path, file: asDescribed(file) }));
    return new HeldFiles(
      {
        ...server,
        executable: program,
        libraries: found.map(({ file }) => file).filter((file) => file !== null),
      },
      found.filter(({ file }) => file === null).map(({ path }) => path),
      descriptors.move(),
    );
  }

  [Symbol.dispose](): void {
    this.#descriptors.dispose();
  }
}

/** A file with the path of a descriptor; null if its link in /proc does not lead to it any more. */
async function holding(
  file: MappedFile,
  pid: number,
  descriptors: DisposableStack,
): Promise<MappedFile | null> {
  try {
    const found = await linkedFileLater(file.pinnedPath);
    // It came too late.
    if (descriptors.disposed) found[Symbol.dispose]();
    else descriptors.use(found);
    // The kernel's device of some file systems (overlayfs, btrfs) is another than that of stat(2).
    if ((await Deno.stat(found.path)).ino !== file.inode) return null;
    return { ...file, pinnedPath: `/proc/${Deno.pid}/fd/${found.fd}` };
  } catch (error) {
    if (isGone(error)) return null;
    if (!(error instanceof ForeignFileError)) throw error;
    throw new DiscoveryError(
      `Cannot watch process ${pid}: its file "${file.path}" cannot be held open (${error.message})`,
    );
  }
}

/** Device and inode of each file that a process maps as code; none for a process that is gone. */
async function identitiesIn(pid: number): Promise<ReadonlySet<string>> {
  try {
    return new Set(parseMaps(await readProc(pid, "maps")).map(identityOf));
  } catch (error) {
    if (isGone(error)) return new Set();
    throw error;
  }
}

function identityOf({ device, inode }: Pick<MappedFile, "device" | "inode">): string {
  return `${device} ${inode}`;
}
