/**
 * The lines of an input that should be text; says what else it is.
 *
 * @module
 */

import { linesOf, LongLineError } from "../../system/lines.ts";

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
    let number = 0;
    try {
      for await (const { text, isWhole } of linesOf(this.#bytes, LONGEST_LINE)) {
        number++;
        this.isCut = !isWhole;
        yield text.replace(/\r+$/, "");
      }
    } catch (error) {
      if (!(error instanceof LongLineError)) throw error;
      refuse(`line ${number + 1} has over 64 MiB`);
    }
  }
}

function refuse(why: string): never {
  throw new InputError(`Cannot convert the input: ${why}`);
}
