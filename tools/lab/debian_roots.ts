/**
 * Debian releases in the cache folder, each installed once: for newer programs, containers and virtual machines.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { say } from "../../system/command_line.ts";
import { linesOf } from "../../system/lines.ts";
import { ownFolder } from "../../system/own_folder.ts";
import { outputOf } from "../../system/run.ts";
import { ensureInstalled } from "../install/ensure_installed.ts";
import { LabError } from "./lab_error.ts";

/** What is installed. */
export interface DebianRoot {
  /** Of its folder in the cache. */
  readonly name: string;
  readonly release: string;
  readonly packages: readonly string[];
  /** Changes the root before it is used. */
  readonly finish?: (root: string, mirror: string) => Promise<void>;
}

/**
 * Installs a release with debootstrap if it is missing, and reports progress on standard error.
 *
 * @returns its root, which no one changes any more.
 * @throws {LabError} when it cannot be installed; a partial installation is never used later.
 */
export async function ensureRoot(debian: DebianRoot): Promise<string> {
  const cache = ownFolder("cache");
  const root = join(cache, debian.name);
  if (existsSync(root)) return root;
  if (Deno.uid() !== 0) {
    throw new LabError(`Cannot install Debian ${debian.release} as user ${Deno.uid()}: use sudo`);
  }
  await ensureInstalled("suites", true);
  await Deno.mkdir(cache, { recursive: true });
  // A second process waits here, and finds it installed.
  using lock = await Deno.open(`${root}.lock`, { create: true, write: true });
  await lock.lock(true);
  if (!existsSync(root)) await install(debian, root);
  return root;
}

/** How often a release is fetched where the mirror does not answer. */
const DOWNLOADS = 3;

async function install(debian: DebianRoot, root: string): Promise<void> {
  const { release, packages, finish } = debian;
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
  for (let more = DOWNLOADS - 1;; more--) {
    const complaint = await debootstrap(debian, unfinished, mirror);
    if (complaint === null) break;
    if (more > 0 && complaint.includes("Couldn't download")) continue;
    throw failed(`debootstrap says: ${complaint}`);
  }
  await finish?.(unfinished, mirror);
  await Deno.rename(unfinished, root);
  say(`Installed Debian ${release}`);
}

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
    if (origin === "Debian" && label === "Debian" && /^(https?|file):/.test(uri!)) return uri!;
  }
  throw new LabError(
    "Cannot find a Debian mirror in the apt configuration of this machine: " +
      "add one to /etc/apt/sources.list and run apt-get update",
  );
}

/** Installs a release into a new folder; returns what went wrong, or null. */
async function debootstrap(
  { release, packages }: DebianRoot,
  folder: string,
  mirror: string,
): Promise<string | null> {
  await rm(folder, { recursive: true, force: true });
  // Its own mount and process namespaces: debootstrap mounts /proc in the new root, and its children must end
  // with it.
  const child = new Deno.Command("setpriv", {
    args: [
      ...["--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private"],
      ...["--pid", "--fork", "--kill-child", "--"],
      ...["debootstrap", "--variant=minbase", `--include=${packages.join(",")}`],
      ...[release, folder, mirror],
    ],
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [last, warnings] = await Promise.all([
    reportPhases(release, child.stdout),
    new Response(child.stderr).text(),
  ]);
  const { success } = await child.status;
  return success ? null : warnings.trim().split("\n").at(-1) || last;
}

/** Prints a line for each phase of debootstrap; returns its last line. */
async function reportPhases(release: string, stream: ReadableStream<Uint8Array>): Promise<string> {
  let [last, phase] = ["", ""];
  for await (const { text } of linesOf(stream)) {
    last = text;
    const now = /^I: (Retrieving|Extracting|Unpacking|Configuring)/.exec(text)?.[1];
    if (now === undefined || now === phase) continue;
    phase = now;
    say(`${release}: ${phase.toLowerCase()} packages`);
  }
  return last;
}
