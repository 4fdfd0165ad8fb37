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
  /** Bytes; 0 if the table does not say. */
  readonly size: number;
  /** All names of the address. */
  readonly mangled: readonly string[];
  readonly function: string;
}

/** The functions of files that a predicate chooses. */
export function listFunctions(
  files: readonly FileFunctions[],
  isChosen: (demangled: string, mangled: readonly string[]) => boolean,
): ListedFunction[] {
  return files.flatMap(({ file, tier, functions }) =>
    functions.filter((f) => isChosen(f.demangled, f.mangled)).map((f) => ({
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
 * Chooses functions whose own name contains a text, ignoring case. Parameters and template arguments do
 * not count, or `alloc` would find every std::allocator. A text that begins with `_Z` is searched in mangled
 * names, a text with `<` or `(` in the complete C++ name.
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
  // The name is followed by parameters, template arguments, or a tag like [abi:cxx11], and preceded by a
  // namespace or the return type of a template.
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
    // Types of parameters contain names of other classes.
    if (character === "(" && depth === 0 && !text.endsWith("operator(")) break;
  }
  return depth === 0 ? text : demangled;
}

/** Renders a list for people: one function per line, grouped by file. */
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
