/**
 * Debian releases in the cache folder, each installed once: for newer programs, containers and virtual machines.
 *
 * @module
 */

import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { say } from "../../system/command_line.ts";
import { linesOf } from "../../system/lines.ts";
import { ownFolder } from "../../system/own_folder.ts";
import { childEnvironment, outputOf } from "../../system/run.ts";
import { ensureInstalled } from "../install/ensure_installed.ts";
import { LabError } from "./lab_error.ts";

/** What is installed; installed again where any of this has changed. */
export interface DebianRoot {
  /** Of its folder in the cache. */
  readonly name: string;
  readonly release: string;
  readonly packages: readonly string[];
  /** Texts of more files, by their paths in the root. */
  readonly files?: Readonly<Record<string, string>>;
  /** Lines of a shell that run in the root when all this is there; `$1` is the mirror. */
  readonly script?: string;
}

/** Before a command: gives it mounts and processes of its own, all of which end with this process. */
export const IN_OWN_NAMESPACES = [
  ...["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private"] as const,
  ...["--pid", "--fork", "--kill-child"],
] as const;

/** In the root: what it was made from. */
const MADE_FROM = "made-from.json";

const madeFrom = (debian: DebianRoot) => JSON.stringify(debian);

/**
 * Installs a release with mmdebstrap if it is missing, and reports progress on standard error.
 *
 * @returns its root; others use it, too.
 * @throws {LabError} when it cannot be installed; a partial installation is never used later.
 */
export async function ensureRoot(debian: DebianRoot): Promise<string> {
  const cache = ownFolder("cache");
  const root = join(cache, debian.name);
  const expected = madeFrom(debian);
  const isThere = async () =>
    await Deno.readTextFile(join(root, MADE_FROM)).catch(() => null) === expected;
  if (await isThere()) return root;
  if (Deno.uid() !== 0) {
    throw new LabError(`Cannot install Debian ${debian.release} as user ${Deno.uid()}: use sudo`);
  }
  await ensureInstalled("suites", true);
  await Deno.mkdir(cache, { recursive: true });
  // A second process waits here, and finds it installed.
  using lock = await Deno.open(`${root}.lock`, { create: true, write: true });
  await lock.lock(true);
  if (!await isThere()) {
    await rm(root, { recursive: true, force: true });
    await install(debian, root);
  }
  return root;
}

/** Runs the script of a root, with what programs of packages expect. */
const RUN_SCRIPT = `set -e
mount -t proc proc "$1/proc"
exec chroot "$1" sh -ec "$2" sh "$3"`;

async function install(debian: DebianRoot, root: string): Promise<void> {
  const { release, packages, files = {}, script } = debian;
  const failed = (why: string) => new LabError(`Cannot install Debian ${release}: ${why}`);
  const mirror = mirrorIn(
    await outputOf(
      [
        ...["apt-get", "indextargets", "--format", "$(REPO_URI)|$(ORIGIN)|$(LABEL)"] as const,
        "Created-By: Packages",
      ],
      failed,
    ),
  );
  say(`Installing Debian ${release} with ${packages.join(", ")} for tests, once`);
  const unfinished = `${root}.unfinished`;
  const complaint = await mmdebstrap(debian, unfinished, mirror);
  if (complaint !== null) throw failed(`mmdebstrap says: ${complaint}`);
  for (const [path, text] of Object.entries({ ...files, [MADE_FROM]: madeFrom(debian) })) {
    await mkdir(dirname(join(unfinished, path)), { recursive: true });
    await writeFile(join(unfinished, path), text);
  }
  if (script !== undefined) {
    await outputOf(
      [...IN_OWN_NAMESPACES, "--", "sh", "-c", RUN_SCRIPT, "sh", unfinished, script, mirror],
      failed,
      { limitMs: 900_000, environment: UNATTENDED },
    );
  }
  await Deno.rename(unfinished, root);
  say(`Installed Debian ${release}`);
}

/** For Debian's package tools: they ask nothing. */
const UNATTENDED = { DEBIAN_FRONTEND: "noninteractive" };

/**
 * The Debian mirror that this machine installs from.
 *
 * @param targets what `apt-get indextargets` prints for the format URI, ORIGIN, LABEL.
 * @throws {LabError} when there is none.
 */
export function mirrorIn(targets: string): string {
  for (const line of targets.split("\n")) {
    const [uri, origin, label] = line.split("|");
    // The mirror of security fixes has another label, and no complete suite.
    if (origin === "Debian" && label === "Debian" && /^https?:/.test(uri!)) return uri!;
  }
  throw new LabError(
    "Cannot find a Debian mirror in the apt configuration of this machine: " +
      "add one to /etc/apt/sources.list and run apt-get update",
  );
}

/** For apt, also later in the root. Mirrors of old releases, and stored ones, are older than they say they may be. */
const APT_OPTIONS = ['Acquire::Retries "3"', 'Acquire::Check-Valid-Until "false"'];

/** Installs a release into a new folder; returns what went wrong, or null. */
async function mmdebstrap(
  { release, packages }: DebianRoot,
  folder: string,
  mirror: string,
): Promise<string | null> {
  await rm(folder, { recursive: true, force: true });
  const [program, ...before] = IN_OWN_NAMESPACES;
  const child = new Deno.Command(program, {
    args: [
      ...[...before, "--", "mmdebstrap", "--variant=minbase", `--include=${packages.join(",")}`],
      ...APT_OPTIONS.map((option) => `--aptopt=${option}`),
      ...[release, folder, mirror],
    ],
    clearEnv: true,
    env: childEnvironment(UNATTENDED),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const complaint = await reportPhases(release, child.stderr);
  const { success } = await child.status;
  return success ? null : complaint;
}

/** Prints what mmdebstrap says that it begins to do; returns its first complaint, else its last line. */
async function reportPhases(release: string, stream: ReadableStream<Uint8Array>): Promise<string> {
  let [complaint, last]: [string | null, string] = [null, ""];
  for await (const { text } of linesOf(stream)) {
    last = text;
    const phase = /^I: ((?:downloading|extracting|installing) .*)\.\.\.$/.exec(text)?.[1];
    if (phase !== undefined) say(`${release}: ${phase}`);
    if (/^(E|dpkg: error|Err):/.test(text)) complaint ??= text;
  }
  return complaint ?? last;
}
