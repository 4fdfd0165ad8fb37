/**
 * The lines of an input that should be text; says what else it is.
 *
 * @module
 */

import { LineSplitter } from "../bytes.ts";

/** An input cannot be read as metrics. */
export class InputError extends Error {
  override name = "InputError";
}

/** Whether a text begins like a capture. */
export function isCaptureStart(text: string): boolean {
  return /^\s*\{\s*"type"\s*:\s*"capture"/.test(text);
}

/** Longest line, bytes: a map of a million keys is shorter. */
const LONGEST_LINE = 64 * 2 ** 20;

/** Beginnings of files that are not text, and what to do. */
const FOREIGN = [
  [[0x1f, 0x8b], "it is compressed: give what gzip -dc makes of it"],
  [[0x28, 0xb5, 0x2f, 0xfd], "it is compressed: give what zstd -dc makes of it"],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], "it is compressed: give what xz -dc makes of it"],
  [[0x42, 0x5a, 0x68], "it is compressed: give what bzip2 -dc makes of it"],
  [[0xff, 0xfe], "it is UTF-16: give what iconv -f UTF-16 -t UTF-8 makes of it"],
  [[0xfe, 0xff], "it is UTF-16: give what iconv -f UTF-16 -t UTF-8 makes of it"],
] as const;

/** How many bytes of the beginning are checked for text. */
const BEGINNING = 4096;

/** Throws if the beginning of an input is not UTF-8 text. */
export function refuseForeign(beginning: Uint8Array): void {
  for (const [bytes, why] of FOREIGN) {
    if (bytes.every((byte, at) => beginning[at] === byte)) refuse(why);
  }
  const zero = beginning.subarray(0, BEGINNING).indexOf(0);
  if (zero < 0) return;
  const isWide = zero < 2 && beginning.length > 3 && beginning[zero + 2] === 0;
  refuse(
    isWide
      ? "it is UTF-16: give what iconv -f UTF-16LE -t UTF-8 makes of it"
      : "it is no text, it holds a zero byte",
  );
}

/** The lines of a text, and whether the last one had an end. */
export class InputLines {
  readonly #bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** Whether the last line has no end; known after it. */
  isCut = false;

  constructor(bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    this.#bytes = bytes;
  }

  /**
   * Lines without their ends, of Unix or of Windows.
   *
   * @throws {InputError} for a line of more than 64 MiB.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    const splitter = new LineSplitter();
    let number = 0;
    for await (const piece of this.#bytes) {
      for (const line of splitter.lines(piece)) {
        number++;
        this.#check(line, number);
        yield textOf(line);
      }
      this.#check(splitter.rest, number + 1);
    }
    this.isCut = splitter.rest.length > 0;
    if (this.isCut) yield textOf(splitter.rest);
  }

  #check(line: Uint8Array, number: number): void {
    if (line.length > LONGEST_LINE) refuse(`line ${number} has over 64 MiB`);
  }
}

function textOf(line: Uint8Array): string {
  return new TextDecoder().decode(line).replace(/\r+$/, "");
}

function refuse(why: string): never {
  throw new InputError(`Cannot convert the input: ${why}`);
}
