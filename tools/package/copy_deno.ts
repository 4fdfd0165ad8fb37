/**
 * The Deno that the package brings: npm's, with the hash that denow expects.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { childEnvironment, outputOf } from "../../system/run.ts";
import { PackageError } from "./package_error.ts";

const ROOT = join(import.meta.dirname!, "..", "..");

/** In a folder where npm has installed it. */
const BINARY = "node_modules/@deno/linux-x64-glibc/deno";

/**
 * Copies it: the one that denow has installed, or a new one. A `deno` of this machine may be any.
 *
 * @param path where it is needed.
 * @throws {PackageError} when npm does not give it.
 */
export async function copyDeno(path: string): Promise<void> {
  const installed = join(ROOT, ".deno", Deno.version.deno, BINARY);
  if (existsSync(installed)) return await Deno.copyFile(installed, path);
  const folder = await Deno.makeTempDir({ prefix: "kea-package-deno-" });
  try {
    for (const file of ["package.json", "package-lock.json"]) {
      await Deno.copyFile(join(ROOT, ".denow", file), join(folder, file));
    }
    const home = Deno.env.get("HOME");
    await outputOf(
      ["npm", "ci", "--prefix", folder, "--ignore-scripts", "--loglevel=error"],
      (why) => new PackageError(`Cannot get Deno ${Deno.version.deno} from npm: ${why}`),
      { environment: childEnvironment(home === undefined ? {} : { HOME: home }), limitMs: 600_000 },
    );
    await Deno.copyFile(join(folder, BINARY), path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
