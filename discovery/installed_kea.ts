/**
 * A Kea that is installed in a folder: the prefix of its build, `/usr`, or the `usr` of a system below another
 * root.
 *
 * @module
 */

import { join } from "node:path";
import { DiscoveryError } from "./discovery_error.ts";
import type { Family } from "./types.ts";

/** Folders of libraries, by its own build and by distributions. */
const LIBRARIES = ["lib", "lib64", `lib/${Deno.build.arch}-linux-gnu`];

/** Where the parts of an installed Kea are. */
export interface InstalledKea {
  readonly folder: string;
  /** Paths of its DHCP servers, at least one. */
  readonly servers: ReadonlyMap<Family, string>;
  /** Its folders of libraries. */
  readonly libraries: readonly string[];
  /** Its folder of hook libraries, and their file names and paths, sorted; null if it has none. */
  readonly hooks: {
    readonly folder: string;
    readonly names: readonly string[];
    readonly paths: readonly string[];
  } | null;
}

/**
 * Finds the parts of a Kea.
 *
 * @param folder an absolute path.
 * @throws {DiscoveryError} when it has no DHCP server.
 */
export function installedKea(folder: string): InstalledKea {
  const servers = new Map(
    ([4, 6] as const).map((family) => [family, join(folder, "sbin", `kea-dhcp${family}`)] as const)
      .filter(([, path]) => isThere(path, "isFile")),
  );
  if (servers.size === 0) {
    throw new DiscoveryError(
      `Cannot find a Kea in "${folder}", it has no sbin/kea-dhcp4 or sbin/kea-dhcp6: give the ` +
        "folder that it was installed in (--prefix)",
    );
  }
  const libraries = LIBRARIES.map((name) => join(folder, name))
    .filter((path) => isThere(path, "isDirectory"));
  const hooks = libraries.map((path) => join(path, "kea", "hooks"))
    .find((path) => isThere(path, "isDirectory"));
  return { folder, servers, libraries, hooks: hooks === undefined ? null : hooksIn(hooks) };
}

function hooksIn(folder: string): InstalledKea["hooks"] {
  const names = Array.from(Deno.readDirSync(folder), ({ name }) => name)
    .filter((name) => name.endsWith(".so")).sort();
  return { folder, names, paths: names.map((name) => join(folder, name)) };
}

function isThere(path: string, kind: "isFile" | "isDirectory"): boolean {
  try {
    return Deno.statSync(path)[kind];
  } catch {
    return false;
  }
}
