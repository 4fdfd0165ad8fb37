/**
 * The libraries that the dynamic linker would load for a program: read from the files, nothing is loaded.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { run, textOf } from "../system/run.ts";
import { needsOf } from "./code/dynamic_section.ts";

/** Folders that the linker searches last. */
const FOLDERS = ["/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib"];

/** Limit of libraries; Kea with all its hooks has some sixty. */
const MOST = 1000;

/**
 * Finds the libraries of a program, and the libraries of those.
 *
 * @param program its path.
 * @param preferred folders that are searched first, for a system below another root.
 * @returns paths, the program's own first; missing libraries are left out.
 * @throws {ElfError} when a file cannot be read.
 */
export async function neededLibraries(
  program: string,
  preferred: readonly string[] = [],
): Promise<string[]> {
  const cached = await linkerCache();
  const found = new Map<string, string>();
  const files = [program];
  for (const file of files) {
    const { names, folders } = needsOf(file);
    const own = folders.map((folder) => folder.replace(/\$\{?ORIGIN\}?/, dirname(file)));
    for (const name of names) {
      if (found.has(name) || found.size === MOST) continue;
      const candidates = [
        ...[...preferred, ...own].map((folder) => join(folder, name)),
        ...cached.get(name) ?? [],
        ...FOLDERS.map((folder) => join(folder, name)),
      ];
      const path = candidates.find(isFile);
      if (path === undefined) continue;
      found.set(name, path);
      files.push(path);
    }
  }
  return files.slice(1);
}

/** Parses `ldconfig -p`: paths by name, those for this machine. */
export function parseLinkerCache(text: string): Map<string, string[]> {
  const machine = Deno.build.arch === "aarch64" ? "AArch64" : "x86-64";
  const cached = new Map<string, string[]>();
  // "\tlibkea-log.so.35 (libc6,x86-64) => /lib/x86_64-linux-gnu/libkea-log.so.35"
  for (const [, name, kind, path] of text.matchAll(/^\t(\S+) \((.*?)\) => (.*)$/gm)) {
    if (!kind!.split(/,\s*/).includes(machine)) continue;
    cached.getOrInsertComputed(name!, () => []).push(path!);
  }
  return cached;
}

/** The linker's cache; empty if it has none. */
async function linkerCache(): Promise<Map<string, string[]>> {
  for (const program of ["ldconfig", "/sbin/ldconfig"]) {
    try {
      return parseLinkerCache(textOf(await run([program, "-p"], { withoutRights: true })));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return new Map();
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
