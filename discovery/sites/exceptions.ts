/**
 * Where C++ throws an exception.
 *
 * @module
 */

import type { MappedFile, Program } from "../types.ts";
import type { SiteSearch } from "./types.ts";
import { functionEntries } from "./function_entries.ts";

/** The entry of the function that every `throw` calls. */
export async function exceptionSites({ libraries }: Program): Promise<SiteSearch> {
  return await throwSite(libraries, "exceptions.throw");
}

/** The same for another group of sites, which gives it its own name. */
export async function throwSite(
  libraries: readonly MappedFile[],
  id: string,
): Promise<SiteSearch> {
  return await functionEntries(libraries, "libstdc++.so", { [id]: "__cxa_throw" }, () => 0);
}
