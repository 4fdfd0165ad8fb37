/**
 * A document's JSON, made while its windows come: they wait in a file, not in memory.
 *
 * @module
 */

import { join } from "node:path";
import { WriteError } from "./files.ts";
import type { MetricsDocument, Series, Window } from "./document.ts";

/** Windows are written in pieces of about this many characters. */
const PIECE = 1 << 20;

/** Windows that wait to be part of a document. */
export class WaitingWindows implements Disposable {
  readonly #folder: string;
  readonly #file: Deno.FsFile;
  #piece: string[] = [];
  #length = 0;

  /**
   * @param folder where there is room for them; nothing is left there, whatever happens.
   * @throws {WriteError} when nothing can be written there.
   */
  constructor(folder: string) {
    this.#folder = folder;
    const path = join(folder, `.windows.${crypto.randomUUID()}`);
    try {
      this.#file = Deno.openSync(path, { read: true, write: true, createNew: true });
      // The file lives as long as it is open, and no longer.
      Deno.removeSync(path);
    } catch (error) {
      throw refused(folder, error);
    }
  }

  /**
   * Adds the next window.
   *
   * @throws {WriteError} when there is no room.
   */
  add(window: Window): void {
    const line = `${JSON.stringify(window)}\n`;
    this.#piece.push(line);
    this.#length += line.length;
    if (this.#length >= PIECE) this.#flush();
  }

  /**
   * The text of a document with these windows, in pieces.
   *
   * @param document what else it holds; its own windows are not looked at.
   * @param late series that each window, by its number from 0, gets at its end.
   * @param pretty with line breaks and indentation.
   */
  *document(
    document: MetricsDocument,
    late: (window: number) => readonly Series[],
    pretty = false,
  ): Generator<Uint8Array> {
    this.#flush();
    const encoder = new TextEncoder();
    const { totals, printed, ...before } = document;
    const indent = pretty ? 2 : 0;
    const after = JSON.stringify({ totals, printed }, null, indent);
    const head = JSON.stringify({ ...before, windows: [] }, null, indent).replace(/\]\s*\}$/, "");
    yield encoder.encode(head);
    let number = 0;
    for (const line of this.#lines()) {
      const comma = number === 0 ? "" : ",";
      const added = late(number);
      number++;
      if (pretty) {
        const window: Window = JSON.parse(line);
        const text = JSON.stringify({ ...window, series: [...window.series, ...added] }, null, 2);
        yield encoder.encode(`${comma}\n${text.replace(/^/gm, "    ")}`);
      } else if (added.length === 0) {
        yield encoder.encode(comma + line);
      } else {
        const between = line.endsWith("[]}") ? "" : ",";
        const rest = JSON.stringify(added).slice(1);
        yield encoder.encode(`${comma}${line.slice(0, -2)}${between}${rest}}`);
      }
    }
    const close = pretty && number > 0 ? "\n  ]," : "],";
    yield encoder.encode(`${close}${after.slice(1)}\n`);
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }

  *#lines(): Generator<string> {
    this.#file.seekSync(0, Deno.SeekMode.Start);
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(PIECE);
    let rest = "";
    for (
      let read = this.#file.readSync(buffer);
      read !== null;
      read = this.#file.readSync(buffer)
    ) {
      const lines = (rest + decoder.decode(buffer.subarray(0, read), { stream: true })).split("\n");
      rest = lines.pop()!;
      yield* lines;
    }
  }

  #flush(): void {
    try {
      let bytes = new TextEncoder().encode(this.#piece.join(""));
      while (bytes.length > 0) bytes = bytes.subarray(this.#file.writeSync(bytes));
    } catch (error) {
      throw refused(this.#folder, error);
    }
    this.#piece = [];
    this.#length = 0;
  }
}

function refused(folder: string, error: unknown): WriteError {
  const why = error instanceof Error ? error.message.replace(/ \(os error.*/s, "") : String(error);
  return new WriteError(`Cannot write to "${folder}" (${why}): make room or give another folder`, {
    cause: error,
  });
}
