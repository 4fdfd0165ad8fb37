/**
 * Debian packages unpacked into the cache folder, for tests: no service of theirs is installed, and the same
 * program is there in several versions.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ownFolder } from "../../system/own_folder.ts";
import { outputOf, run } from "../../system/run.ts";
import { ensureSuite, suiteCommand, type SuiteName } from "./debian_suites.ts";
import { LabError } from "./lab_error.ts";

/** Where a package comes from: the release of this machine, or a newer suite. */
export type Release = "host" | SuiteName;

/** A download may be slow. */
const LIMITS = { limitMs: 300_000 };

/**
 * Unpacks a package if it is missing. Its dependencies are not there; programs written in Go need none.
 *
 * @param cache the folder for all of them.
 * @returns the folder that has its `usr/bin`.
 * @throws {LabError} when it is not available; what is half-unpacked is never used.
 */
export async function unpackedPackage(
  name: string,
  release: Release = "host",
  cache: string = join(ownFolder("cache"), "packages"),
): Promise<string> {
  const folder = join(cache, release);
  const root = join(folder, name);
  if (existsSync(root)) return root;
  await Deno.mkdir(folder, { recursive: true });
  // A second process waits here, and finds the package unpacked. It is the lock of a release, because only
  // one apt-get can update its lists.
  using lock = await Deno.open(`${folder}.lock`, { create: true, write: true });
  await lock.lock(true);
  if (!existsSync(root)) await unpack(name, release, root);
  return root;
}

async function unpack(name: string, release: Release, root: string): Promise<void> {
  const failed = (why: string) =>
    new LabError(`Cannot get the package "${name}" of ${release}: ${why}`);
  // Below /tmp, where the mounts of a suite's command end with it.
  const download = await Deno.makeTempDir({ dir: "/tmp", prefix: "kea-package-" });
  const unfinished = `${root}.unfinished`;
  try {
    await rm(unfinished, { recursive: true, force: true });
    const archive = await downloaded(name, release, download, failed);
    await outputOf(["dpkg-deb", "-x", archive, unfinished], failed, LIMITS);
    await Deno.rename(unfinished, root);
  } finally {
    await Deno.remove(download, { recursive: true });
  }
}

/** Downloads into a folder; lists of packages that are too old are updated first. */
async function downloaded(
  name: string,
  release: Release,
  folder: string,
  failed: (why: string) => Error,
): Promise<string> {
  const apt = await aptOf(release, folder);
  const options = { ...LIMITS, directory: folder };
  if ((await run(apt("download", name), options)).code !== 0) {
    await outputOf(apt("update"), failed, options);
    await outputOf(apt("download", name), failed, options);
  }
  const archive = [...Deno.readDirSync(folder)].find(({ name }) => name.endsWith(".deb"));
  if (archive === undefined) throw failed("apt-get downloaded no file");
  return join(folder, archive.name);
}

/** Command lines of apt-get in a folder: this machine's, or that of a suite, inside its root. */
async function aptOf(
  release: Release,
  folder: string,
): Promise<(...args: readonly string[]) => readonly [string, ...string[]]> {
  if (release === "host") return (...args) => ["apt-get", "-q", ...args];
  const suite = await ensureSuite(release);
  const inFolder = ["sh", "-c", 'cd "$1"; shift; exec apt-get -q "$@"', "sh", folder];
  return (...args) => suiteCommand(suite, [...inFolder, ...args], [folder]);
}
