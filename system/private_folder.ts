/**
 * Folders of our own that no other user can have made, read or filled.
 *
 * @module
 */

import { join } from "node:path";

/** A folder that root alone can write stands at this place in none of the states that are expected. */
export class PrivateFolderError extends Error {
  override name = "PrivateFolderError";
}

/** Root's alone, as `/run` is, and emptied at each start of the machine. */
const RUN = "/run/kea-ebpf-monitoring";

/**
 * Makes a new folder for as long as this process lives; those of processes that were killed are
 * cleared first.
 *
 * @param purpose first word of its name.
 * @throws {PrivateFolderError} when another user has the place.
 */
export async function privateFolder(purpose: string, root = RUN): Promise<string> {
  await Deno.mkdir(root, { mode: 0o700 }).catch((error) => {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  });
  const { isDirectory, uid, mode } = await Deno.lstat(root);
  if (!isDirectory || uid !== Deno.uid() || (mode! & 0o022) !== 0) {
    throw new PrivateFolderError(
      `Cannot use "${root}": a folder that user ${Deno.uid()} alone can write is expected, remove it`,
    );
  }
  for (const { name } of Deno.readDirSync(root)) {
    const owner = new RegExp(`^${purpose}-(\\d+)-`).exec(name)?.[1];
    if (owner === undefined || await Deno.stat(`/proc/${owner}`).then(() => true, () => false)) {
      continue;
    }
    await Deno.remove(join(root, name), { recursive: true }).catch(() => {
      // Another one of us cleared it.
    });
  }
  return await Deno.makeTempDir({ dir: root, prefix: `${purpose}-${Deno.pid}-` });
}
