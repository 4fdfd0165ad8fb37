/**
 * Replaces a file as a whole: it is never half-written.
 *
 * @module
 */

import { reasonOf } from "./reason.ts";

/** A file cannot be written. */
export class WriteError extends Error {
  override name = "WriteError";
}

/** The contents of a file: complete, or in pieces that are valid until the next one. */
export type Content =
  | string
  | Uint8Array
  | Iterable<Uint8Array>
  | AsyncIterable<Uint8Array>;

/**
 * Replaces a file: writes a new one beside it, syncs and renames it.
 *
 * @param options.isSynced false for a file that may be damaged when the machine crashes.
 * @throws {WriteError} when it cannot be written, and any error of making the content. The old file then stays
 * unchanged.
 */
export async function replaceFile(
  path: string,
  content: Content,
  { isSynced = true } = {},
): Promise<void> {
  const beside = `${path}.${crypto.randomUUID()}`;
  try {
    using file = writing(path, () => Deno.openSync(beside, { write: true, createNew: true }));
    for await (const piece of piecesOf(content)) {
      writing(path, () => {
        for (let rest = piece; rest.length > 0;) rest = rest.subarray(file.writeSync(rest));
      });
    }
    if (isSynced) writing(path, () => file.syncSync());
    writing(path, () => Deno.renameSync(beside, path));
  } catch (error) {
    await Deno.remove(beside).catch(() => {});
    throw error;
  }
}

function piecesOf(content: Content): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (typeof content === "string") return [new TextEncoder().encode(content)];
  return content instanceof Uint8Array ? [content] : content;
}

function writing<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw writeError(path, error, "make room or give another folder");
  }
}

/** The error for a file that the system does not let us write. */
export function writeError(path: string, error: unknown, remedy: string): WriteError {
  return new WriteError(`Cannot write "${path}" (${reasonOf(error)}): ${remedy}`, { cause: error });
}
