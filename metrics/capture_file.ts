/**
 * The file of a capture, which is never half-written: it grows by complete lines.
 *
 * @module
 */

import { piecesOf } from "../system/file_bytes.ts";
import { writeError } from "../system/replace_file.ts";
import type { CaptureRecord } from "./capture.ts";

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
      throw writeError(path, error, "give another folder");
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
      throw writeError(this.#path, error, "make room; earlier windows are kept");
    }
    this.#length += line.length;
  }

  /** The contents of the file, even if it was renamed. Read it to its end before the next record. */
  *pieces(): Generator<Uint8Array> {
    this.#file.seekSync(0, Deno.SeekMode.Start);
    yield* piecesOf(this.#file);
  }

  [Symbol.dispose](): void {
    try {
      this.#file.syncSync();
    } finally {
      this.#file.close();
    }
  }
}
