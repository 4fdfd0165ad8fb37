/**
 * Builds the lab's own hook library, for tests of the metrics of hook libraries.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { ownFolder } from "../../system/own_folder.ts";
import { run } from "../../system/run.ts";
import { LabError } from "./lab_error.ts";

const SOURCE = new URL("delaying_hooks.cc", import.meta.url);

/**
 * Builds the library for the installed Kea, if it is not in the cache.
 *
 * @returns its path.
 * @throws {LabError} without a compiler or Kea's headers.
 */
export async function delayingHooks(): Promise<string> {
  const source = await Deno.readTextFile(SOURCE);
  const headers = await Deno.readTextFile("/usr/include/kea/hooks/hooks.h").catch(() => {
    throw new LabError(
      "Cannot build the hook library without Kea's headers: apt-get install kea-dev",
    );
  });
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(source + headers));
  const folder = join(ownFolder("cache"), "hooks");
  const path = join(folder, `delaying-${new Uint8Array(digest).toHex().slice(0, 16)}.so`);
  if (existsSync(path)) return path;
  await Deno.mkdir(folder, { recursive: true });
  const draft = `${path}.${crypto.randomUUID()}`;
  const { code, stderr } = await run([
    ...["g++", "-std=c++17", "-O2", "-shared", "-fPIC", "-I/usr/include/kea"] as const,
    ...["-o", draft, "-x", "c++", SOURCE.pathname],
  ]);
  if (code !== 0) {
    throw new LabError(`Cannot build the hook library: ${new TextDecoder().decode(stderr)}`);
  }
  await Deno.rename(draft, path);
  return path;
}
