/**
 * Builds the lab's own hook library, for tests of the metrics of hook libraries.
 *
 * @module
 */

import { compiled } from "./compiled.ts";
import { LabError } from "./lab_error.ts";

/**
 * Builds the library for the installed Kea, if it is not in the cache.
 *
 * @returns its path.
 * @throws {LabError} without a compiler or Kea's headers.
 */
export async function delayingHooks(): Promise<string> {
  const headers = await Deno.readTextFile("/usr/include/kea/hooks/hooks.h").catch(() => {
    throw new LabError(
      "Cannot build the hook library without Kea's headers: apt-get install kea-dev",
    );
  });
  return await compiled(
    "delaying_hooks.cc",
    ["-shared", "-fPIC", "-I/usr/include/kea"],
    headers,
  );
}
