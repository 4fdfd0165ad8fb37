/**
 * Where C++ throws an exception.
 *
 * @module
 */

import type { Program } from "../types.ts";
import type { SiteSearch } from "./types.ts";
import { functionEntries } from "./function_entries.ts";

/** The entry of the function that every `throw` calls. */
export async function exceptionSites({ libraries }: Program): Promise<SiteSearch> {
  const symbols = { "exceptions.throw": "__cxa_throw" };
  return await functionEntries(libraries, "libstdc++.so", symbols, () => 0);
}
