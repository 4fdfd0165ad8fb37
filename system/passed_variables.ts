/**
 * Environment variables of ours that a child gets, too.
 *
 * @module
 */

/** The variables by which Deno finds its cache. */
export const DENO_VARIABLES = ["HOME", "DENO_DIR", "XDG_CACHE_HOME"] as const;

/** Those of these variables that are set, with their values. */
export function passedVariables(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = Deno.env.get(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
