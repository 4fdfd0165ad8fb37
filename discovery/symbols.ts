/**
 * Functions of ELF files by the best table each has: its own symbols, those of a separate debug
 * file, or what it exports.
 *
 * @module
 */

import { basename, dirname, join } from "node:path";
import { run } from "./elf.ts";
import { buildIdOf } from "./mapped_files.ts";
import type { MappedFile } from "./types.ts";

/** Where the symbols of a file were found, best first. */
export type SymbolTier = "symtab" | "debug file" | "dynsym";

/** A function, under all names that share its address. */
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

/**
 * Reads the functions of files.
 *
 * @throws {ElfError} when binutils are missing.
 */
export async function functionsOf(files: readonly MappedFile[]): Promise<FileFunctions[]> {
  const paths = files.map(({ pinnedPath }) => pinnedPath);
  const debugFiles = await debugFilesOf(files);
  const [own, exported, separate] = await Promise.all([
    nm(paths, []),
    nm(paths, ["-D"]),
    nm([...debugFiles.values()], []),
  ]);
  const chosen = files.map((file) => {
    const path = file.pinnedPath;
    const tiers: readonly [SymbolTier, SymbolLine[] | undefined][] = [
      ["symtab", own.get(path)],
      ["debug file", separate.get(debugFiles.get(path) ?? "")],
      ["dynsym", exported.get(path)],
    ];
    const [tier, lines] = tiers.find(([, lines]) => lines !== undefined) ?? ["dynsym", []];
    return { file, tier, byAddress: joinAliases(lines ?? []) };
  });
  const names = await demangle(
    chosen.flatMap(({ byAddress }) => byAddress.map(({ mangled }) => mangled[0]!)),
  );
  return chosen.map(({ file, tier, byAddress }) => ({
    file,
    tier,
    functions: byAddress.map((f) => ({ ...f, demangled: names.get(f.mangled[0]!)! })),
  }));
}

/** One line of nm. */
export interface SymbolLine {
  readonly address: number;
  readonly size: number;
  readonly name: string;
}

/** Parses `nm -A --defined-only -S`: the functions of each file. */
export function parseNm(text: string): Map<string, SymbolLine[]> {
  const files = new Map<string, SymbolLine[]>();
  for (const line of text.split("\n")) {
    // "/usr/lib/x.so:000000000002a440 0000000000000120 T name@@VERSION"; the size may be missing.
    const match = /^(.*):([0-9a-f]{16}) (?:([0-9a-f]{16}) )?[TtWwi] (\S+)$/.exec(line);
    if (match === null) continue;
    const [, path, address, size, name] = match;
    const symbol = {
      address: parseInt(address!, 16),
      size: parseInt(size ?? "0", 16),
      name: name!.replace(/@.*/, ""),
    };
    const before = files.get(path!);
    if (before === undefined) files.set(path!, [symbol]);
    else before.push(symbol);
  }
  return files;
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
 * Turns mangled names into C++ words; names of C stay.
 *
 * @throws {ElfError} when c++filt is not installed.
 */
export async function demangle(mangled: readonly string[]): Promise<Map<string, string>> {
  const unique = [...new Set(mangled)];
  const text = await run("c++filt", [], unique.join("\n"));
  const words = text.split("\n");
  return new Map(unique.map((name, index) => [name, words[index]!]));
}

async function nm(
  paths: readonly string[],
  options: readonly string[],
): Promise<Map<string, SymbolLine[]>> {
  if (paths.length === 0) return new Map();
  return parseNm(await run("nm", ["-A", "--defined-only", "-S", ...options, ...paths]));
}

/**
 * Separate debug files by the path of the file they belong to: by build id, or by the name in
 * .gnu_debuglink beside the file and under /usr/lib/debug. One with another build id is not taken.
 */
async function debugFilesOf(files: readonly MappedFile[]): Promise<Map<string, string>> {
  const links = parseDebugLinks(
    await run("readelf", ["--string-dump=.gnu_debuglink", ...files.map((f) => f.pinnedPath)]),
  );
  const found = await Promise.all(files.map(async ({ path, pinnedPath, buildId }) => {
    if (buildId === null) return [];
    const root = /^\/proc\/\d+\//.exec(pinnedPath) === null
      ? ""
      : `${pinnedPath.split("/").slice(0, 3).join("/")}/root`;
    const link = links.get(pinnedPath) ?? links.get("");
    const folder = dirname(path);
    const candidates = [
      join("/usr/lib/debug/.build-id", buildId.slice(0, 2), `${buildId.slice(2)}.debug`),
      ...(link === undefined
        ? []
        : [folder, join(folder, ".debug"), join("/usr/lib/debug", folder)].map((near) =>
          join(near, basename(link))
        )),
    ];
    for (const candidate of candidates.map((name) => root + name)) {
      const itsBuildId = await buildIdOf(candidate).catch(() => null);
      if (itsBuildId === buildId) return [[pinnedPath, candidate] as const];
    }
    return [];
  }));
  return new Map(found.flat());
}

/** Parses `readelf --string-dump=.gnu_debuglink` of several files; of one alone under "". */
export function parseDebugLinks(text: string): Map<string, string> {
  const links = new Map<string, string>();
  let file = "";
  for (const line of text.split("\n")) {
    file = /^File: (.*)$/.exec(line)?.[1] ?? file;
    const link = /^\s+\[\s+0\]\s+(\S+)/.exec(line)?.[1];
    if (link !== undefined) links.set(file, link);
  }
  return links;
}
