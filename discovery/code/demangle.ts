/**
 * Mangled names in C++ words, by c++filt.
 *
 * @module
 */

import { run, textOf } from "../../system/run.ts";
import { DiscoveryError } from "../discovery_error.ts";

/** Longest time and output for some ten thousand names, milliseconds and bytes. */
const [LIMIT_MS, LIMIT_BYTES] = [120_000, 64 * 2 ** 20];

/**
 * Turns mangled names into C++ words; names of C and other texts stay unchanged.
 *
 * The names may come from a hostile program. So c++filt gets them on standard input, because it reads files
 * that its arguments name (`@FILE`), and it runs without our rights.
 *
 * @param options.types whether the names are those of types (`std::type_info::name()`).
 * @throws {DiscoveryError} when c++filt is not installed.
 */
export async function demangle(
  mangled: Iterable<string>,
  options: { readonly types?: boolean } = {},
): Promise<Map<string, string>> {
  const unique = [...new Set(mangled)];
  const names = unique.filter((name) => /^[\w.$]{1,8192}$/.test(name));
  const words = names.length === 0 ? [] : await filtered(names, options.types ?? false);
  const found = new Map(names.map((name, index) => [name, words[index]!]));
  return new Map(unique.map((name) => [name, found.get(name) ?? name]));
}

/** @returns a line for each name; the names themselves if c++filt printed another number of lines. */
async function filtered(names: readonly string[], areTypes: boolean): Promise<readonly string[]> {
  try {
    const ran = await run(["c++filt", ...areTypes ? ["-t"] : []], {
      input: names.join("\n"),
      withoutRights: true,
      limitMs: LIMIT_MS,
      limitBytes: LIMIT_BYTES,
    });
    const lines = textOf(ran).split("\n");
    return ran.code === 0 && lines.length === names.length ? lines : names;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new DiscoveryError("Cannot read names of C++ without c++filt: apt-get install binutils");
  }
}
