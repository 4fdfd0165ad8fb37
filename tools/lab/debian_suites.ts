/**
 * Newer Debian suites in a cache folder, for their bpftrace and Kea: this machine has one version of each,
 * and we support more.
 *
 * @module
 */

import { outputOf } from "../../system/run.ts";
import { ensureRoot } from "./debian_roots.ts";
import { LabError } from "./lab_error.ts";

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

const PACKAGES = ["bpftrace", "kea-dhcp4-server", "kea-dhcp6-server", "kea-admin"] as const;

/**
 * Installs a suite if it is missing, and reports progress on standard error. This takes a minute and 450 MB, once.
 *
 * @throws {LabError} when it cannot be installed; a partial installation is never used later.
 */
export async function ensureSuite(name: SuiteName): Promise<Suite> {
  const root = await ensureRoot({ name, release: name, packages: PACKAGES });
  const versions = await outputOf(
    [
      ...["dpkg-query", `--admindir=${root}/var/lib/dpkg`, "-W", "-f", "${Version}\n"] as const,
      ...["bpftrace", "kea-dhcp4-server"],
    ],
    (why) => new LabError(`Cannot read the versions of Debian ${name}: ${why}`),
  );
  const [bpftrace, kea] = versions.split("\n");
  return { name, root, versions: { bpftrace: bpftrace!, kea: kea! } };
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
