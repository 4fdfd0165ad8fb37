/**
 * Bytes as they come: from a file without a detour, in lines, in large pieces. Nothing is allocated
 * for each of them: a view of a buffer lives until the next one is asked for.
 *
 * @module
 */

/** Bytes that are read or written at once. */
const PIECE = 1 << 20;

const [NEWLINE, ZERO] = [10, 48];

/** A buffer that grows by what is put into it. */
export class ByteBuffer {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** @param capacity bytes that it holds before it grows. */
  constructor(capacity = 2 * PIECE) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** What is in it. */
  get view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Appends a few bytes; faster than {@linkcode ByteBuffer.append} for less than about a hundred. */
  appendFew(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    const [all, at] = [this.#bytes, this.#length];
    for (let index = 0; index < bytes.length; index++) all[at + index] = bytes[index]!;
    this.#length += bytes.length;
  }

  /** Appends the digits of a whole number, not negative and below 2^53. */
  appendWhole(value: number): void {
    this.#reserve(16);
    let digits = 1;
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++;
    for (let at = this.#length + digits - 1; at >= this.#length; at--) {
      const rest = Math.floor(value / 10);
      this.#bytes[at] = ZERO + value - 10 * rest;
      value = rest;
    }
    this.#length += digits;
  }

  /** Appends text as UTF-8. */
  appendText(text: string): void {
    // UTF-8 has at most three bytes for each unit of UTF-16.
    this.#reserve(3 * text.length);
    this.#length += encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  /** Forgets the last byte. */
  dropLast(): void {
    this.#length--;
  }

  /** Forgets the first bytes. */
  drop(count: number): void {
    this.#bytes.copyWithin(0, count, this.#length);
    this.#length -= count;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#length + more));
    larger.set(this.view);
    this.#bytes = larger;
  }
}

const encoder = new TextEncoder();

/** What a file holds from where it stands, in pieces. */
export function* piecesOf(
  file: { readSync(buffer: Uint8Array): number | null },
): Generator<Uint8Array> {
  const buffer = new Uint8Array(PIECE);
  for (let read = file.readSync(buffer); read !== null; read = file.readSync(buffer)) {
    yield buffer.subarray(0, read);
  }
}

/** Cuts pieces into lines. */
export class LineSplitter {
  readonly #buffer = new ByteBuffer();

  /** What is left behind the last line's end. */
  get rest(): Uint8Array {
    return this.#buffer.view;
  }

  /** The lines that a piece completes, without their ends. */
  *lines(piece: Uint8Array): Generator<Uint8Array> {
    // What was left holds no line's end.
    const before = this.#buffer.length;
    this.#buffer.append(piece);
    const bytes = this.#buffer.view;
    let start = 0;
    for (
      let end = bytes.indexOf(NEWLINE, before);
      end >= 0;
      end = bytes.indexOf(NEWLINE, start)
    ) {
      yield bytes.subarray(start, end);
      start = end + 1;
    }
    this.#buffer.drop(start);
  }
}
