/**
 * Functions of ELF files, from the best table of each: its own symbols, those of a separate debug file, or
 * its exports.
 *
 * @module
 */

import { basename, dirname, join } from "node:path";
import { openInRoot, openPath } from "../../system/libc.ts";
import { demangle } from "./demangle.ts";
import { binutils, ElfError } from "./elf.ts";
import { buildIdOf } from "../mapped_files.ts";
import type { MappedFile } from "../types.ts";

/** Where the symbols of a file were found, best first. */
export type SymbolTier = "symtab" | "debug file" | "dynsym";

/** A function, with all names that share its address. */
export interface KeaFunction {
  /** ELF virtual address. */
  readonly address: number;
  /** Bytes; 0 where the table does not say. */
  readonly size: number;
  /** Mangled names, sorted. */
  readonly mangled: readonly string[];
  /** The first name in C++ words. */
  readonly demangled: string;
}

/** The functions of one file, by address. */
export interface FileFunctions {
  readonly file: MappedFile;
  readonly tier: SymbolTier;
  readonly functions: readonly KeaFunction[];
}

/** How many files are read at a time: each takes a program and some descriptors. */
const AT_A_TIME = 4;

/**
 * Reads the functions of files. An unreadable file is left out.
 *
 * @param pid the process that maps them, in whose root their debug files are; null for files of this host.
 * @param say is called with a line for each file that is left out.
 * @throws {DiscoveryError} when binutils are missing.
 */
export async function functionsOf(
  pid: number | null,
  files: readonly MappedFile[],
  say: (line: string) => void,
): Promise<FileFunctions[]> {
  const found: Unnamed[] = [];
  const waiting = files.entries();
  await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
    for (const [index, file] of waiting) {
      try {
        found[index] = await functionsIn(pid, file);
      } catch (error) {
        if (!(error instanceof ElfError)) throw error;
        say(`Left out: ${error.message}`);
      }
    }
  }));
  const read = found.filter((file) => file !== undefined);
  const names = await demangle(
    read.flatMap(({ byAddress }) => byAddress.map(({ mangled }) => mangled[0]!)),
  );
  return read.map(({ file, tier, byAddress }) => ({
    file,
    tier,
    functions: byAddress.map((f) => ({ ...f, demangled: names.get(f.mangled[0]!)! })),
  }));
}

/** The functions of one file, not demangled yet. */
interface Unnamed extends Omit<FileFunctions, "functions"> {
  readonly byAddress: ReturnType<typeof joinAliases>;
}

async function functionsIn(pid: number | null, file: MappedFile): Promise<Unnamed> {
  const own = await symbolTables(file.pinnedPath);
  let [tier, symbols]: [SymbolTier, readonly SymbolLine[]] = ["symtab", own.symtab];
  if (symbols.length === 0) {
    [tier, symbols] = ["debug file", await separateSymbols(pid, file, own.link)];
  }
  if (symbols.length === 0) [tier, symbols] = ["dynsym", own.dynsym];
  return { file, tier, byAddress: joinAliases(symbols) };
}

/** A function in a symbol table. */
export interface SymbolLine {
  readonly address: number;
  readonly size: number;
  readonly name: string;
}

/** A file's symbol tables. */
export interface SymbolTables {
  readonly symtab: readonly SymbolLine[];
  readonly dynsym: readonly SymbolLine[];
  /** Name of the separate file with its symbols (.gnu_debuglink). */
  readonly link: string | null;
}

async function symbolTables(path: string): Promise<SymbolTables> {
  return parseSymbolTables(
    await binutils("readelf", ["-sW", "--string-dump=.gnu_debuglink", path]),
  );
}

/** Parses `readelf -sW --string-dump=.gnu_debuglink`: the functions that a file defines. */
export function parseSymbolTables(text: string): SymbolTables {
  const tables = { symtab: [] as SymbolLine[], dynsym: [] as SymbolLine[] };
  let [table, link]: [SymbolLine[], string | null] = [tables.symtab, null];
  for (const line of text.split("\n")) {
    // "   594: 0000000000032a60    48 FUNC    WEAK   DEFAULT   15 _ZN...@@VERSION"; a size from 100,000 on
    // is hexadecimal.
    const match = /^\s*\d+: ([0-9a-f]{16})\s+(\d+|0x[0-9a-f]+) I?FUNC\s+\w+\s+\w+\s+\d+ (\S+)/.exec(
      line,
    );
    if (match !== null) {
      const [, address, size, name] = match;
      table.push({
        address: parseInt(address!, 16),
        size: Number(size),
        name: name!.replace(/@.*/, ""),
      });
    } else if (line.startsWith("Symbol table '")) {
      table = line.includes("'.dynsym'") ? tables.dynsym : tables.symtab;
    } else link ??= /^\s+\[\s+0\]\s+(\S+)/.exec(line)?.[1] ?? null;
  }
  return { ...tables, link };
}

/** Joins names that share an address. */
export function joinAliases(
  lines: readonly SymbolLine[],
): { address: number; size: number; mangled: string[] }[] {
  return Array.from(Map.groupBy(lines, ({ address }) => address), ([address, same]) => ({
    address,
    size: Math.max(...same.map(({ size }) => size)),
    mangled: [...new Set(same.map(({ name }) => name))].toSorted(),
  })).toSorted((a, b) => a.address - b.address);
}

/**
 * Symbols of a separate debug file: found by build id, or by the name in .gnu_debuglink beside the file and
 * under /usr/lib/debug. A file with another build id is not used.
 */
async function separateSymbols(
  pid: number | null,
  { path, buildId }: MappedFile,
  link: string | null,
): Promise<readonly SymbolLine[]> {
  if (buildId === null) return [];
  const folder = dirname(path);
  const near = [folder, join(folder, ".debug"), join("/usr/lib/debug", folder)];
  const candidates = [
    join("/usr/lib/debug/.build-id", buildId.slice(0, 2), `${buildId.slice(2)}.debug`),
    ...link === null ? [] : near.map((place) => join(place, basename(link))),
  ];
  for (const candidate of candidates) {
    const found = pid === null ? openPath(candidate) : openInRoot(`/proc/${pid}/root`, candidate);
    if (typeof found === "string") continue;
    using place = found;
    const pinned = `/proc/self/fd/${place.fd}`;
    if (isOf(buildId, pinned)) return (await symbolTables(pinned)).symtab;
  }
  return [];
}

function isOf(buildId: string, path: string): boolean {
  try {
    return buildIdOf(path) === buildId;
  } catch {
    // The name belongs to something else.
    return false;
  }
}
