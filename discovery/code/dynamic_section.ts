/**
 * An ELF file's entries for the dynamic linker: which libraries it needs, and where to look for them.
 *
 * @module
 */

import { readUpTo } from "../../system/file_bytes.ts";
import { openLinked } from "../../system/foreign_file.ts";
import { ElfError } from "./elf.ts";

/** The libraries that a file needs. */
export interface Needs {
  /** Their names: "libkea-log.so.35". */
  readonly names: readonly string[];
  /** Folders that are searched first; `$ORIGIN` is the file's own folder. */
  readonly folders: readonly string[];
}

/** Types of program headers and of dynamic entries (ELF64, little-endian). */
const [PT_LOAD, PT_DYNAMIC] = [1, 2];
const [DT_NEEDED, DT_STRTAB, DT_RPATH, DT_RUNPATH] = [1n, 5n, 15n, 29n];

/** The most that is read of the headers, the section and one name, bytes. */
const [HEADERS, SECTION, NAME] = [65_536, 65_536, 4096];

/**
 * Reads what a file needs: nothing if it is linked statically.
 *
 * @throws {ElfError} when it is not a 64-bit ELF file.
 * @throws {ForeignFileError} when it is not a regular file.
 */
export function needsOf(path: string): Needs {
  using file = openLinked(path);
  const at = (offset: number, length: number): DataView<ArrayBuffer> => {
    const bytes = readUpTo(file, offset, length);
    return new DataView(bytes.buffer, 0, bytes.length);
  };
  try {
    return readNeeds(at);
  } catch (error) {
    // Its offsets lead out of the file.
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    throw new ElfError(`Cannot read "${path}": its entries for the dynamic linker are damaged`);
  }
}

type ReadAt = (offset: number, length: number) => DataView<ArrayBuffer>;

function readNeeds(at: ReadAt): Needs {
  const header = at(0, 64);
  if (header.getUint32(0) !== 0x7f454c46 || header.getUint16(4) !== 0x0201) {
    throw new TypeError("It is not a 64-bit ELF file");
  }
  const [size, count] = [header.getUint16(54, true), header.getUint16(56, true)];
  const table = at(numberAt(header, 32), Math.min(size * count, HEADERS));
  const parts = Array.from({ length: count }, (_, index) => ({
    type: table.getUint32(index * size, true),
    offset: numberAt(table, index * size + 8),
    address: numberAt(table, index * size + 16),
    length: numberAt(table, index * size + 32),
  }));
  const dynamic = parts.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) return { names: [], folders: [] };
  const section = at(dynamic.offset, Math.min(dynamic.length, SECTION));
  const entries = Array.from({ length: Math.floor(section.byteLength / 16) }, (_, index) => ({
    tag: section.getBigUint64(index * 16, true),
    value: numberAt(section, index * 16 + 8),
  }));
  const names = entries.find(({ tag }) => tag === DT_STRTAB)?.value ?? 0;
  const part = parts.find(({ type, address, length }) =>
    type === PT_LOAD && names >= address && names < address + length
  );
  const texts = (...tags: bigint[]) =>
    entries.filter(({ tag }) => tags.includes(tag)).map(({ value }) => {
      const bytes = new Uint8Array(at(names - part!.address + part!.offset + value, NAME).buffer);
      return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
    });
  return {
    names: texts(DT_NEEDED).filter((name) => !name.includes("/")),
    folders: texts(DT_RPATH, DT_RUNPATH).flatMap((list) => list.split(":"))
      .filter((folder) => folder.startsWith("/") || folder.startsWith("$")),
  };
}

/** @throws {RangeError} when it is larger than any offset in a file. */
function numberAt(view: DataView, offset: number): number {
  const value = view.getBigUint64(offset, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`${value} is too large`);
  return Number(value);
}
