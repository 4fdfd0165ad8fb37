/**
 * Files that are never half-written: a capture grows by complete lines, a document is replaced as a whole.
 *
 * @module
 */

import { reasonOf } from "../system/reason.ts";
import { piecesOf as piecesOfFile } from "../system/file_bytes.ts";
import type { CaptureRecord } from "./capture.ts";

/** A file cannot be written. */
export class WriteError extends Error {
  override name = "WriteError";
}

/** A capture being written. Disposing syncs and closes it. */
export class CaptureFile implements Disposable {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  /** Bytes of all complete lines so far. */
  #length = 0;

  private constructor(path: string, file: Deno.FsFile) {
    this.#path = path;
    this.#file = file;
  }

  /**
   * Creates a new file.
   *
   * @throws {WriteError} when it cannot be created, or already exists.
   */
  static create(path: string): CaptureFile {
    try {
      return new CaptureFile(
        path,
        Deno.openSync(path, {
          read: true,
          write: true,
          createNew: true,
          // It contains addresses of clients.
          mode: 0o600,
        }),
      );
    } catch (error) {
      throw refused(path, error, "give another folder");
    }
  }

  /**
   * Appends one record as one line.
   *
   * @throws {WriteError} when the line does not fit; the file then has the previous lines, complete.
   */
  append(record: CaptureRecord): void {
    const line = new TextEncoder().encode(`${JSON.stringify(record)}\n`);
    try {
      for (let rest = line; rest.length > 0;) rest = rest.subarray(this.#file.writeSync(rest));
    } catch (error) {
      this.#file.truncateSync(this.#length);
      this.#file.seekSync(this.#length, Deno.SeekMode.Start);
      throw refused(this.#path, error, "make room; earlier windows are kept");
    }
    this.#length += line.length;
  }

  /** The contents of the file, even if it was renamed. Read it to its end before the next record. */
  *pieces(): Generator<Uint8Array> {
    this.#file.seekSync(0, Deno.SeekMode.Start);
    yield* piecesOfFile(this.#file);
  }

  [Symbol.dispose](): void {
    try {
      this.#file.syncSync();
    } finally {
      this.#file.close();
    }
  }
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
 * @throws {WriteError} when it cannot be written, and any error of making the content. The old file then stays
 * unchanged.
 */
export async function replaceFile(path: string, content: Content): Promise<void> {
  const beside = `${path}.${crypto.randomUUID()}`;
  try {
    using file = writing(path, () => Deno.openSync(beside, { write: true, createNew: true }));
    for await (const piece of piecesOf(content)) {
      writing(path, () => {
        for (let rest = piece; rest.length > 0;) rest = rest.subarray(file.writeSync(rest));
      });
    }
    writing(path, () => file.syncSync());
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
    throw refused(path, error, "make room or give another folder");
  }
}

function refused(path: string, error: unknown, remedy: string): WriteError {
  return new WriteError(`Cannot write "${path}" (${reasonOf(error)}): ${remedy}`, { cause: error });
}
