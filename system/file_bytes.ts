/**
 * Bytes of an open file.
 *
 * @module
 */

/** Reads bytes from an offset; fewer at the end of the file. */
export function readUpTo(
  file: Deno.FsFile,
  offset: number,
  length: number,
): Uint8Array<ArrayBuffer> {
  file.seekSync(offset, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const read = file.readSync(bytes.subarray(filled));
    if (read === null || read === 0) break;
    filled += read;
  }
  return bytes.subarray(0, filled);
}

/** Bytes that are read at once. */
const PIECE = 1 << 20;

/** What a file holds from where it stands, in pieces that live until the next one. */
export function* piecesOf(
  file: { readSync(buffer: Uint8Array): number | null },
): Generator<Uint8Array<ArrayBuffer>> {
  const buffer = new Uint8Array(PIECE);
  for (let read = file.readSync(buffer); read !== null; read = file.readSync(buffer)) {
    yield buffer.subarray(0, read);
  }
}
