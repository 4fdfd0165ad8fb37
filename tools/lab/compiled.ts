/**
 * Compiles the lab's own C++ sources, once.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { ownFolder } from "../../system/own_folder.ts";
import { run } from "../../system/run.ts";
import { LabError } from "./lab_error.ts";

/**
 * Compiles a source, if what it becomes is not in the cache.
 *
 * @param source a file in this folder.
 * @param flags for g++, besides the usual ones.
 * @param seed what else the result depends on: the text of headers.
 * @returns the path of the program or library.
 * @throws {LabError} without a compiler, or with its message.
 */
export async function compiled(
  source: string,
  flags: readonly string[] = [],
  seed = "",
): Promise<string> {
  const path = join(import.meta.dirname!, source);
  const text = await Deno.readTextFile(path);
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode([text, ...flags, seed].join("\n")),
  );
  const folder = join(ownFolder("cache"), "compiled");
  const name = `${basename(source, ".cc")}-${new Uint8Array(digest).toHex().slice(0, 16)}`;
  const result = join(folder, flags.includes("-shared") ? `${name}.so` : name);
  if (existsSync(result)) return result;
  await Deno.mkdir(folder, { recursive: true });
  const draft = `${result}.${crypto.randomUUID()}`;
  const ran = await run(["g++", "-std=c++17", "-O2", ...flags, "-o", draft, path, "-pthread"])
    .catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new LabError(`Cannot compile ${source} without a compiler: apt-get install g++`);
    });
  if (ran.code !== 0) {
    throw new LabError(`Cannot compile ${source}: ${new TextDecoder().decode(ran.stderr)}`);
  }
  await Deno.rename(draft, result);
  return result;
}
