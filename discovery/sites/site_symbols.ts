/**
 * Names for sites: symbol files of our own. bpftrace takes a bare number for an address or for an
 * offset in the file, by what symbols it happens to find; a name of ours means one instruction.
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
 * Writes, for each file, one with its build id and a symbol at each of its sites. bpftrace reads it
 * before the file's own symbols when `BCC_SYMFS` names the folder. It lies there under the pinned path,
 * by which probes are placed: it serves when the process has a root of its own or the file was replaced.
 *
 * @param folder an empty folder that root alone can write.
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

/** The symbol under which bpftrace is told of a site; its errors name it. */
export function symbolOfSite(id: string): string {
  return `kea_site_${id.replaceAll(/\W/g, "_")}`;
}

/** An ELF file that holds symbols alone, and the build id of the file whose code they name. */
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
    // bpftrace takes a symbol without a size for an error.
    table.setBigUint64(at + 16, 1n, true);
  });
  const sections = [
    { name: ".text", type: NOBITS, bytes: new Uint8Array() },
    { name: ".symtab", type: SYMTAB, bytes: new Uint8Array(table.buffer) },
    { name: ".strtab", type: STRTAB, bytes: names.bytes },
    // Without it bpftrace would not take the file for that of one with a build id.
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

/** The note that holds a build id: lengths, type NT_GNU_BUILD_ID, owner "GNU". */
function buildIdNote(buildId: string): Uint8Array<ArrayBuffer> {
  const id = Uint8Array.fromHex(buildId);
  const note = new Uint8Array(16 + id.length);
  const view = new DataView(note.buffer);
  [4, id.length, 3].forEach((value, index) => view.setUint32(4 * index, value, true));
  note.set([0x47, 0x4e, 0x55, 0], 12);
  note.set(id, 16);
  return note;
}

/** A table of strings, and where each begins in it. */
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
