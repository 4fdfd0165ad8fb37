/**
 * Folders of our own that no other user can make, read or fill.
 *
 * @module
 */

import { rm } from "node:fs/promises";
import { join } from "node:path";

/** The place of our folders is taken by something else. */
export class PrivateFolderError extends Error {
  override name = "PrivateFolderError";
}

/** A folder that is removed when this process ends. */
export interface PrivateFolder extends AsyncDisposable {
  readonly path: string;
}

/** Only root can write there, as in `/run`, and it is emptied at each boot. */
const RUN = "/run/kea-ebpf-monitoring";

/**
 * Makes a new folder, after removing those of killed processes. A live process holds a lock; its id would
 * not do, because the same id may exist in another process namespace.
 *
 * @param purpose first word of its name.
 * @throws {PrivateFolderError} when another user has the place.
 */
export async function privateFolder(purpose: string, root = RUN): Promise<PrivateFolder> {
  await Deno.mkdir(root, { mode: 0o700 }).catch((error) => {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  });
  const { isDirectory, uid, mode } = await Deno.lstat(root);
  if (!isDirectory || uid !== Deno.uid() || (mode! & 0o022) !== 0) {
    throw new PrivateFolderError(
      `Cannot use "${root}": a folder that user ${Deno.uid()} alone can write is expected, remove it`,
    );
  }
  for (const { name } of [...Deno.readDirSync(root)]) {
    if (name.startsWith(`${purpose}-`) && name.endsWith(LOCK)) await clearAbandoned(root, name);
  }
  const path = join(root, `${purpose}-${crypto.randomUUID()}`);
  const lock = await Deno.open(`${path}${LOCK}`, { createNew: true, write: true, mode: 0o600 });
  await lock.lock(true);
  await Deno.mkdir(path, { mode: 0o700 });
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await rm(path, { recursive: true, force: true });
      await rm(`${path}${LOCK}`, { recursive: true, force: true });
      lock.close();
    },
  };
}

const LOCK = ".lock";

/** Removes a folder whose owner no longer holds its lock. */
async function clearAbandoned(root: string, name: string): Promise<void> {
  const path = join(root, name);
  const lock = await Deno.open(path, { write: true }).catch(() => null);
  if (lock === null) return;
  using held = lock;
  if (!await held.tryLock(true)) return;
  await rm(path.slice(0, -LOCK.length), { recursive: true, force: true });
  await rm(path, { recursive: true, force: true });
}
