/**
 * Readable names of C++ exception types.
 *
 * @module
 */

import { demangle } from "../discovery/code/demangle.ts";
import { DiscoveryError } from "../discovery/discovery_error.ts";

/**
 * Demangles the names of std::type_info.
 *
 * @returns names by mangled name; an unknown name stays mangled.
 */
export async function demangleTypes(names: readonly string[]): Promise<Record<string, string>> {
  // "*" marks a type of internal linkage; it is not part of the name.
  const plain = names.map((name) => name.replace(/^\*/, ""));
  const words = await demangle(plain, { types: true }).catch((error) => {
    if (error instanceof DiscoveryError) return new Map<string, string>();
    throw error;
  });
  return Object.fromEntries(
    names.map((name, index) => [name, words.get(plain[index]!) ?? name]),
  );
}
