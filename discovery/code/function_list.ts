/**
 * Functions of a program and its libraries as a list: filtered, for people and for programs.
 *
 * @module
 */

import type { FileFunctions, SymbolTier } from "./symbols.ts";

/** A function in the list. */
export interface ListedFunction {
  /** Path of the file that defines it. */
  readonly library: string;
  readonly build_id: string | null;
  readonly tier: SymbolTier;
  /** ELF virtual address, hexadecimal. */
  readonly address: string;
  /** Bytes; 0 where the table does not say. */
  readonly size: number;
  /** All names of the address. */
  readonly mangled: readonly string[];
  readonly function: string;
}

/** The functions of files that a test chooses. */
export function listFunctions(
  files: readonly FileFunctions[],
  wanted: (demangled: string, mangled: readonly string[]) => boolean,
): ListedFunction[] {
  return files.flatMap(({ file, tier, functions }) =>
    functions.filter((f) => wanted(f.demangled, f.mangled)).map((f) => ({
      library: file.path,
      build_id: file.buildId,
      tier,
      address: `0x${f.address.toString(16)}`,
      size: f.size,
      mangled: f.mangled,
      function: f.demangled,
    }))
  );
}

/**
 * Chooses functions in whose own name a text occurs, in upper or lower case: parameters and template
 * arguments do not count, or `alloc` would find every std::allocator. A text that begins with `_Z`
 * is sought in mangled names, one with `<` or `(` in all of the C++ words.
 */
export function containing(text: string): Parameters<typeof listFunctions>[1] {
  const sought = text.toLowerCase();
  if (text.startsWith("_Z")) return (_, mangled) => mangled.some((name) => name.includes(text));
  if (/[<(]/.test(text)) return (demangled) => demangled.toLowerCase().includes(sought);
  return (demangled) => outermost(demangled).toLowerCase().includes(sought);
}

/**
 * Chooses functions named in C++ words: `isc::dhcp::Pkt4::unpack`, a part from the right
 * (`Pkt4::unpack`), or with its parameters to choose one of several that share a name.
 */
export function named(name: string): Parameters<typeof listFunctions>[1] {
  // Behind the name come parameters, template arguments, or a tag like [abi:cxx11]; before it a
  // namespace, or the type that a template returns.
  const pattern = new RegExp(`(?:^|::| )${RegExp.escape(name)}(?:$|[(<\\[])`);
  return (demangled) => demangled === name || pattern.test(outermost(demangled));
}

/** A function's own name with its parameters, without those of its template arguments. */
function outermost(demangled: string): string {
  let depth = 0;
  let text = "";
  for (const character of demangled) {
    if (character === "<") depth++;
    if (depth === 0) text += character;
    if (character === ">") depth--;
    // Types of parameters hold names of other functions' classes, not the function's.
    if (character === "(" && depth === 0 && !text.endsWith("operator(")) break;
  }
  return depth === 0 ? text : demangled;
}

/** Renders a list for people: one function a line, grouped by file. */
export function functionListText(list: readonly ListedFunction[]): string {
  const lines: string[] = [];
  for (const [library, functions] of Map.groupBy(list, (f) => f.library)) {
    lines.push(`${library} (${functions[0]!.tier})`);
    for (const { address, size, function: words } of functions) {
      lines.push(`  ${address.padStart(8)} ${String(size).padStart(6)}  ${words}`);
    }
  }
  return lines.join("\n");
}
