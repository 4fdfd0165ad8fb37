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
