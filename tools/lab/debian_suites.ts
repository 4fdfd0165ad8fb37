/**
 * Newer Debian suites in a cache folder, for their bpftrace and Kea: this machine has one version of each,
 * and we support more.
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

/** Debian suites that are used. */
export const SUITES = ["trixie", "sid"] as const;

/** Name of a suite. */
export type SuiteName = typeof SUITES[number];

/** An installed suite. */
export interface Suite {
  readonly name: SuiteName;
  /** Its root folder. */
  readonly root: string;
  /** The versions in its package database. */
  readonly versions: { readonly bpftrace: string; readonly kea: string };
}

/** A suite cannot be installed or read. */
export class SuiteError extends Error {
  override name = "SuiteError";
}

const PACKAGES = ["bpftrace", "kea-dhcp4-server", "kea-dhcp6-server", "kea-admin"] as const;

/**
 * Installs a suite with debootstrap if it is missing, and reports progress on standard error. This takes a
 * few minutes and 650 MB, once.
 *
 * @throws {SuiteError} when it cannot be installed; a partial installation is never used later.
 */
export async function ensureSuite(name: SuiteName): Promise<Suite> {
  const cache = ownFolder("cache");
  const root = join(cache, name);
  if (!existsSync(join(root, "usr/bin/bpftrace"))) {
    if (Deno.uid() !== 0) {
      throw new SuiteError(`Cannot install Debian ${name} as user ${Deno.uid()}: use sudo`);
    }
    await ensureInstalled("suites", true);
    await Deno.mkdir(cache, { recursive: true });
    // A second process waits here, and finds the suite installed.
    using lock = await Deno.open(join(cache, `${name}.lock`), { create: true, write: true });
    await lock.lock(true);
    if (!existsSync(join(root, "usr/bin/bpftrace"))) await install(name, root);
  }
  return { name, root, versions: await versionsIn(root) };
}

/**
 * A command line that runs a program inside a suite, with the processes and devices of this machine.
 *
 * The program is the child itself, not a grandchild, so that signals reach it. It has its own mounts, which
 * vanish with it.
 *
 * @param binds absolute paths of folders of this machine, visible to it at the same place.
 */
export function suiteCommand(
  suite: Suite,
  argv: readonly string[],
  binds: readonly string[] = [],
): readonly [string, ...string[]] {
  const script = `set -e
root=$1; shift
mount -t tmpfs tmpfs "$root/tmp"
while [ "$1" != -- ]; do
  mkdir -p "$root$1"; mount --rbind "$1" "$root$1"; shift
done
shift
exec chroot "$root" "$@"`;
  return [
    "unshare",
    ...["--mount", "--propagation", "private", "--"],
    ...["sh", "-c", script, "sh", suite.root, "/proc", "/sys", "/dev", ...binds, "--", ...argv],
  ];
}

/**
 * The Debian mirror that this machine installs from.
 *
 * @param targets what `apt-get indextargets` prints for the format URI, ORIGIN, LABEL.
 * @throws {SuiteError} when there is none.
 */
export function mirrorIn(targets: string): string {
  for (const line of targets.split("\n")) {
    const [uri, origin, label] = line.split("|");
    // The mirror of security fixes has another label, and no complete suite.
    if (origin === "Debian" && label === "Debian" && /^(https?|file):/.test(uri!)) return uri!;
  }
  throw new SuiteError(
    "Cannot find a Debian mirror in the apt configuration of this machine: " +
      "add one to /etc/apt/sources.list and run apt-get update",
  );
}

/** How often a suite is fetched where the mirror does not answer. */
const DOWNLOADS = 3;

async function install(name: SuiteName, root: string): Promise<void> {
  const mirror = mirrorIn(
    await asked(
      ...["apt-get", "indextargets", "--format", "$(REPO_URI)|$(ORIGIN)|$(LABEL)"] as const,
      "Created-By: Packages",
    ),
  );
  say(`Installing Debian ${name} with ${PACKAGES.join(", ")} for tests, once`);
  const unfinished = `${root}.unfinished`;
  for (let more = DOWNLOADS - 1;; more--) {
    const complaint = await debootstrap(name, unfinished, mirror);
    if (complaint === null) break;
    if (more > 0 && complaint.includes("Couldn't download")) continue;
    throw new SuiteError(`Cannot install Debian ${name}, debootstrap says: ${complaint}`);
  }
  await Deno.rename(unfinished, root);
  const { bpftrace, kea } = await versionsIn(root);
  say(`Installed Debian ${name}: bpftrace ${bpftrace}, Kea ${kea}`);
}

/** Installs a suite into a new folder; returns what went wrong, or null. */
async function debootstrap(
  name: SuiteName,
  unfinished: string,
  mirror: string,
): Promise<string | null> {
  await rm(unfinished, { recursive: true, force: true });
  // Its own mount and process namespaces: debootstrap mounts /proc in the new root, and its children must end
  // with it.
  const child = new Deno.Command("setpriv", {
    args: [
      ...["--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private"],
      ...["--pid", "--fork", "--kill-child", "--"],
      ...["debootstrap", "--variant=minbase", `--include=${PACKAGES.join(",")}`],
      ...[name, unfinished, mirror],
    ],
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [last, warnings] = await Promise.all([
    reportPhases(name, child.stdout),
    new Response(child.stderr).text(),
  ]);
  const { success } = await child.status;
  return success ? null : warnings.trim().split("\n").at(-1) || last;
}

/** Prints a line for each phase of debootstrap; returns its last line. */
async function reportPhases(name: string, stream: ReadableStream<Uint8Array>): Promise<string> {
  let [last, phase] = ["", ""];
  for await (const { text } of linesOf(stream)) {
    last = text;
    const now = /^I: (Retrieving|Extracting|Unpacking|Configuring)/.exec(text)?.[1];
    if (now === undefined || now === phase) continue;
    phase = now;
    say(`${name}: ${phase.toLowerCase()} packages`);
  }
  return last;
}

async function versionsIn(root: string): Promise<Suite["versions"]> {
  const versions = await asked(
    ...["dpkg-query", `--admindir=${root}/var/lib/dpkg`, "-W", "-f", "${Version}\n"] as const,
    ...["bpftrace", "kea-dhcp4-server"],
  );
  const [bpftrace, kea] = versions.split("\n");
  return { bpftrace: bpftrace!, kea: kea! };
}

async function asked(...command: readonly [string, ...string[]]): Promise<string> {
  const [program, first] = command;
  return await outputOf(
    command,
    (why) => new SuiteError(`Cannot run ${program} ${first}: ${why}`),
  );
}
