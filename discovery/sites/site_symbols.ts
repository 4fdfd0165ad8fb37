/**
 * Names for sites, in our own symbol files. bpftrace reads a bare number as an address or as an offset in the
 * file, depending on the symbols that it finds. Our own symbol always means one instruction.
 *
 * @module
 */

import { dirname, join } from "node:path";
import type { MappedFile } from "../types.ts";
import type { Site } from "./types.ts";

/** Section types of ELF64. */
const [SYMTAB, STRTAB, NOTE, NOBITS] = [2, 3, 7, 8];

/** A symbol that is a function and that every file may use. */
const GLOBAL_FUNCTION = 0x12;

/** Sizes of ELF64's header, a section header and a symbol. */
const [HEADER, SECTION, SYMBOL] = [64, 64, 24];

/**
 * Writes a symbol file for each file, with its build id and a symbol at each of its sites. bpftrace reads it
 * before the file's own symbols if `BCC_SYMFS` names the folder. It is stored under the pinned path, which is
 * also used to place probes. So it works if the process has its own root, or if the file was replaced.
 *
 * @param folder an empty folder that only root can write to.
 * @returns the symbol of each site, by site id.
 */
export async function writeSiteSymbols(
  sites: readonly Site[],
  folder: string,
): Promise<Map<string, string>> {
  for (const [path, ofFile] of Map.groupBy(sites, ({ file }) => file.pinnedPath)) {
    const target = join(folder, path);
    await Deno.mkdir(dirname(target), { recursive: true });
    const symbols = ofFile.map(({ id, address }) => ({ name: symbolOfSite(id), address }));
    await Deno.writeFile(target, symbolFile(ofFile[0]!.file, symbols));
  }
  return new Map(sites.map(({ id }) => [id, symbolOfSite(id)]));
}

/** The symbol of a site, for bpftrace; bpftrace's errors name it. */
export function symbolOfSite(id: string): string {
  return `kea_site_${id.replaceAll(/\W/g, "_")}`;
}

/** An ELF file with only symbols, and the build id of the file whose code they name. */
function symbolFile(
  { buildId }: MappedFile,
  symbols: readonly { readonly name: string; readonly address: number }[],
): Uint8Array<ArrayBuffer> {
  const names = textTable(symbols.map(({ name }) => name));
  const table = new DataView(new ArrayBuffer((1 + symbols.length) * SYMBOL));
  symbols.forEach(({ name, address }, index) => {
    const at = (1 + index) * SYMBOL;
    table.setUint32(at, names.offsets.get(name)!, true);
    table.setUint8(at + 4, GLOBAL_FUNCTION);
    // In .text, the first section.
    table.setUint16(at + 6, 1, true);
    table.setBigUint64(at + 8, BigInt(address), true);
    // For bpftrace, a symbol without a size is an error.
    table.setBigUint64(at + 16, 1n, true);
  });
  const sections = [
    { name: ".text", type: NOBITS, bytes: new Uint8Array() },
    { name: ".symtab", type: SYMTAB, bytes: new Uint8Array(table.buffer) },
    { name: ".strtab", type: STRTAB, bytes: names.bytes },
    // Without it, bpftrace would not use this file for one with a build id.
    ...buildId === null ? [] : [
      { name: ".note.gnu.build-id", type: NOTE, bytes: buildIdNote(buildId) },
    ],
  ];
  const sectionNames = textTable([...sections.map(({ name }) => name), ".shstrtab"]);
  const all = [...sections, { name: ".shstrtab", type: STRTAB, bytes: sectionNames.bytes }];

  const size = all.reduce((sum, { bytes }) => sum + aligned(bytes.length), HEADER);
  const file = new Uint8Array(size + (1 + all.length) * SECTION);
  const view = new DataView(file.buffer);
  // ELF, 64 bits, little-endian, version 1; a shared object for x86-64.
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 3, true);
  view.setUint16(18, 62, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(40, BigInt(size), true);
  view.setUint16(52, HEADER, true);
  view.setUint16(58, SECTION, true);
  view.setUint16(60, 1 + all.length, true);
  view.setUint16(62, all.length, true);
  let offset = HEADER;
  all.forEach(({ name, type, bytes }, index) => {
    const at = size + (1 + index) * SECTION;
    file.set(bytes, offset);
    view.setUint32(at, sectionNames.offsets.get(name)!, true);
    view.setUint32(at + 4, type, true);
    view.setBigUint64(at + 24, BigInt(offset), true);
    view.setBigUint64(at + 32, BigInt(bytes.length), true);
    view.setBigUint64(at + 48, 4n, true);
    if (type === SYMTAB) {
      // The strings are the third section; the first symbol is the undefined one.
      view.setUint32(at + 40, 3, true);
      view.setUint32(at + 44, 1, true);
      view.setBigUint64(at + 56, BigInt(SYMBOL), true);
    }
    offset += aligned(bytes.length);
  });
  return file;
}

/** The note with a build id: lengths, type NT_GNU_BUILD_ID, owner "GNU". */
function buildIdNote(buildId: string): Uint8Array<ArrayBuffer> {
  const id = Uint8Array.fromHex(buildId);
  const note = new Uint8Array(16 + id.length);
  const view = new DataView(note.buffer);
  [4, id.length, 3].forEach((value, index) => view.setUint32(4 * index, value, true));
  note.set([0x47, 0x4e, 0x55, 0], 12);
  note.set(id, 16);
  return note;
}

/** A string table, and the offset of each string. */
function textTable(texts: readonly string[]) {
  const offsets = new Map<string, number>();
  let length = 1;
  for (const text of texts) {
    offsets.set(text, length);
    length += text.length + 1;
  }
  return { bytes: new TextEncoder().encode(`\0${texts.join("\0")}\0`), offsets };
}

function aligned(length: number): number {
  return Math.ceil(length / 8) * 8;
}
