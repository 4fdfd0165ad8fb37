/**
 * Files that are never half-written: a capture grows by whole lines, a document is replaced whole.
 *
 * @module
 */

import type { CaptureRecord } from "./capture.ts";

/** A capture that is being written. Disposing syncs and closes it. */
export class CaptureFile implements Disposable {
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /**
   * Creates a new file.
   *
   * @throws {Deno.errors.AlreadyExists} rather than touch one that is there.
   */
  static create(path: string): CaptureFile {
    return new CaptureFile(Deno.openSync(path, { write: true, createNew: true }));
  }

  /** Appends one record as one line. What was written before stays readable if this throws. */
  append(record: CaptureRecord): void {
    let bytes = new TextEncoder().encode(`${JSON.stringify(record)}\n`);
    while (bytes.length > 0) bytes = bytes.subarray(this.#file.writeSync(bytes));
  }

  [Symbol.dispose](): void {
    try {
      this.#file.syncSync();
    } finally {
      this.#file.close();
    }
  }
}

/** Replaces a file by a whole new one: written beside, synced, renamed. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const beside = `${path}.${crypto.randomUUID()}`;
  try {
    using file = await Deno.open(beside, { write: true, createNew: true });
    let bytes = new TextEncoder().encode(text);
    while (bytes.length > 0) bytes = bytes.subarray(await file.write(bytes));
    await file.sync();
  } catch (error) {
    await Deno.remove(beside).catch(() => {});
    throw error;
  }
  await Deno.rename(beside, path);
}
