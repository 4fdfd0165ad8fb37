/**
 * Copies of the files that are being read, for all who read one at the same time.
 *
 * @module
 */

import { type SealedCopy, sealedCopy } from "../../system/sealed_copy.ts";

/** Bytes that no one changes, as long as the copy is in use. */
export interface FileCopy extends Disposable {
  /** `/proc/self/fd/N`, also for children. */
  readonly path: string;
}

/** The most that is read of a file, bytes. */
const FILE_LIMIT = 512 * 2 ** 20;

/** Files copied at a time: each takes memory, and a hostile process may map hundreds. */
const AT_A_TIME = 4;

interface Shared {
  readonly of: string;
  readonly copy: SealedCopy;
  /** What was made of it, by name. */
  readonly made: Map<string, Promise<unknown>>;
  users: number;
}

/** Those in use, by the path of the file. */
const copies = new Map<string, Shared>();

/** Those that wait until fewer are in use. */
const waiting: (() => void)[] = [];

/**
 * The copy of a file; that of a copy is itself. Who has one must not wait for another.
 *
 * @throws {ForeignFileError} when it is not a regular file, cannot be read without waiting, or is too large.
 */
export async function copyOf(path: string): Promise<FileCopy> {
  while (sharedFor(path) === undefined && copies.size >= AT_A_TIME) {
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
  const shared = sharedFor(path) ?? newCopy(path);
  shared.users++;
  return {
    path: shared.copy.path,
    [Symbol.dispose]: () => {
      if (--shared.users > 0) return;
      copies.delete(shared.of);
      shared.copy[Symbol.dispose]();
      // All of them: some may want one that another of them makes.
      for (const wake of waiting.splice(0)) wake();
    },
  };
}

function sharedFor(path: string): Shared | undefined {
  return copies.get(path) ?? copies.values().find(({ copy }) => copy.path === path);
}

function newCopy(path: string): Shared {
  const shared = { of: path, copy: sealedCopy(path, FILE_LIMIT), made: new Map(), users: 0 };
  copies.set(path, shared);
  return shared;
}

/** What is made of a file, once for all who have its copy. */
export function madeOnce<T>(path: string, name: string, make: () => Promise<T>): Promise<T> {
  const made = sharedFor(path)?.made;
  return made === undefined ? make() : made.getOrInsertComputed(name, make) as Promise<T>;
}
