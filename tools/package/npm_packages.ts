/**
 * The npm packages that the shipped commands need, as a folder `node_modules`.
 *
 * @module
 */

import { join } from "node:path";
import configuration from "../../deno.json" with { type: "json" };
import { DENO_VARIABLES, passedVariables } from "../../system/passed_variables.ts";
import { outputOf } from "../../system/run.ts";
import { PackageError } from "./package_error.ts";

/** Not for x86-64 Debian, or not needed to run. */
const UNUSED_PACKAGE = /-musl@/;
const UNUSED_FILE =
  /\.(map|[cm]?ts)$|^\.(setup-cache\.bin|deno\.lock|initialized|eslintrc.*|eslintignore|npmignore|gitignore|gitattributes)$/;

/**
 * The settings of the installed project: nothing is downloaded, nothing of the lock file changes.
 *
 * @param texts of its modules: only what they import is installed.
 */
function installedConfiguration(texts: readonly string[]): Record<string, unknown> {
  const { version, imports, compilerOptions } = configuration;
  const needed = Object.entries(imports).filter(([name]) =>
    texts.some((text) => text.includes(`"${name}"`) || text.includes(`"${name}/`))
  );
  return {
    version,
    nodeModulesDir: "manual",
    lock: { frozen: true },
    imports: Object.fromEntries(needed),
    compilerOptions,
  };
}

/**
 * Makes `node_modules`, `deno.json` and `deno.lock` in a folder. Every package has the hash of the project's
 * lock file.
 *
 * @param lock the project's lock file.
 * @param texts of the modules that import them.
 * @throws {PackageError} when one cannot be installed.
 */
export async function installNpmPackages(
  folder: string,
  lock: string,
  texts: readonly string[],
): Promise<void> {
  const installed = installedConfiguration(texts);
  const write = (settings: Record<string, unknown>) =>
    Deno.writeTextFile(join(folder, "deno.json"), `${JSON.stringify(settings, null, 2)}\n`);
  // Not frozen, because packages that are not needed leave the lock file.
  await write({ ...installed, nodeModulesDir: "auto", lock: { frozen: false } });
  await Deno.copyFile(lock, join(folder, "deno.lock"));
  const environment = passedVariables([
    ...DENO_VARIABLES,
    ...["NPM_CONFIG_REGISTRY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"],
    ...["DENO_CERT", "DENO_TLS_CA_STORE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_DIR", "SSL_CERT_FILE"],
  ]);
  await outputOf(
    [Deno.execPath(), "install", "--quiet"],
    (why) => new PackageError(`Cannot install npm packages: ${why}`),
    { directory: folder, environment, limitMs: 600_000 },
  );
  await requireSameHashes(lock, join(folder, "deno.lock"));
  await write(installed);
  removeUnused(join(folder, "node_modules"));
}

/** Every package of a lock file stands in another one with the same hash. */
async function requireSameHashes(expected: string, made: string): Promise<void> {
  type Lock = { readonly npm: Readonly<Record<string, { readonly integrity: string }>> };
  const [ours, theirs] = await Promise.all(
    [expected, made].map(async (path) => JSON.parse(await Deno.readTextFile(path)) as Lock),
  );
  for (const [name, { integrity }] of Object.entries(theirs!.npm)) {
    if (ours!.npm[name]?.integrity !== integrity) {
      throw new PackageError(`Cannot package npm:${name}: its hash is not that of deno.lock`);
    }
  }
}

function removeUnused(folder: string): void {
  for (const { name, isDirectory, isSymlink } of [...Deno.readDirSync(folder)]) {
    const path = join(folder, name);
    if (isDirectory && UNUSED_PACKAGE.test(name)) Deno.removeSync(path, { recursive: true });
    else if (isDirectory) removeUnused(path);
    else if (
      UNUSED_FILE.test(name) || (isSymlink && UNUSED_PACKAGE.test(Deno.readLinkSync(path)))
    ) {
      Deno.removeSync(path);
    }
  }
}

/** A package with its licence, for the list of copyrights. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
}

/** The packages in `node_modules`, by name. */
export function npmPackagesIn(folder: string): NpmPackage[] {
  const store = join(folder, "node_modules/.deno");
  return [...Deno.readDirSync(store)].filter(({ isDirectory, name }) =>
    isDirectory && name !== "node_modules"
  ).map(({ name }) => {
    const at = name.lastIndexOf("@", name.includes("_") ? name.indexOf("_") : undefined);
    const path = name.slice(0, at).replace("+", "/");
    const file = join(store, name, "node_modules", path, "package.json");
    const { version, license } = JSON.parse(Deno.readTextFileSync(file)) as NpmPackage;
    return { name: path, version, license };
  }).sort((a, b) => a.name < b.name ? -1 : 1);
}
