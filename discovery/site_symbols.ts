/**
 * Names for sites: symbol files of our own, for a bpftrace that takes no bare address inside an
 * exported function.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { codeSections } from "./elf.ts";
import type { Site } from "./types.ts";

/** Section type of a symbol table, and the size of one entry in it (ELF64). */
const SYMBOL_TABLE = 2;
const SYMBOL_SIZE = 24;

/**
 * Writes, for each library, a file with its build id and a symbol at each of its sites. bpftrace
 * reads it in place of the library's own symbols when `BCC_SYMFS` names the folder: by the path that
 * a probe gives, less a leading /proc/PID/root. It lies there under the library's path and under the
 * pinned one, which also serves when the process has a root of its own or the library was replaced.
 *
 * @param folder an empty folder.
 * @returns the symbol of each site, by site id.
 * @throws {Error} when objcopy cannot read a library.
 */
export async function writeSiteSymbols(
  sites: readonly Site[],
  folder: string,
): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  const byFile = Map.groupBy(sites, ({ file }) => file.path);
  for (const [path, ofFile] of byFile) {
    // Read by the pinned path: in our own root the path may lead to another file.
    const source = ofFile[0]!.file.pinnedPath;
    const sections = await codeSections(source);
    const symbols = ofFile.flatMap((site, index) => {
      const section = sections.find(({ start, end }) =>
        site.address >= start && site.address < end
      );
      if (section === undefined) return [];
      const name = `kea_site_${index}`;
      names.set(site.id, name);
      const offset = (site.address - section.start).toString(16);
      return ["--add-symbol", `${name}=${section.name}:0x${offset},function,global`];
    });
    const target = join(folder, path);
    await Deno.mkdir(dirname(target), { recursive: true });
    const { success, stderr } = await new Deno.Command("objcopy", {
      args: ["--only-keep-debug", ...symbols, source, target],
    }).output();
    if (!success) {
      throw new Error(`Cannot name sites in "${path}": ${new TextDecoder().decode(stderr).trim()}`);
    }
    await Deno.writeFile(target, withSizes(await Deno.readFile(target)));
    const pinned = join(folder, source);
    await Deno.mkdir(dirname(pinned), { recursive: true });
    if (pinned !== target) await Deno.link(target, pinned);
  }
  return names;
}

/** Gives every symbol a size: objcopy cannot, and bpftrace takes one without for an error. */
function withSizes(elf: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const view = new DataView(elf.buffer);
  const sections = Number(view.getBigUint64(0x28, true));
  const [sectionSize, count] = [view.getUint16(0x3a, true), view.getUint16(0x3c, true)];
  for (let index = 0; index < count; index++) {
    const header = sections + index * sectionSize;
    if (view.getUint32(header + 4, true) !== SYMBOL_TABLE) continue;
    const start = Number(view.getBigUint64(header + 0x18, true));
    const size = Number(view.getBigUint64(header + 0x20, true));
    // The first entry is the undefined symbol.
    for (let entry = start + SYMBOL_SIZE; entry < start + size; entry += SYMBOL_SIZE) {
      view.setBigUint64(entry + 16, 1n, true);
    }
  }
  return elf;
}
