/**
 * Readable names of C++ exception types.
 *
 * @module
 */

/**
 * Demangles the names of std::type_info, as `c++filt -t` does.
 *
 * @returns by mangled name; a name that c++filt does not know stands for itself.
 */
export async function demangleTypes(names: readonly string[]): Promise<Record<string, string>> {
  if (names.length === 0) return {};
  // "*" marks a type of internal linkage; it is no part of the name.
  const plain = names.map((name) => name.replace(/^\*/, ""));
  const { stdout } = await new Deno.Command("c++filt", { args: ["-t", "--", ...plain] }).output();
  const demangled = new TextDecoder().decode(stdout).split("\n");
  return Object.fromEntries(names.map((name, index) => [name, demangled[index] || name]));
}
