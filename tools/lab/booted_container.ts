/**
 * A Debian that boots with systemd in a container of this machine, for tests of services.
 *
 * @module
 */

import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ownFolder } from "../../system/own_folder.ts";
import { linkTarget } from "../../system/libc.ts";
import { privateFolder } from "../../system/private_folder.ts";
import { childEnvironment, type Ran, run } from "../../system/run.ts";
import { ensureRoot, IN_OWN_NAMESPACES } from "./debian_roots.ts";
import { LabError } from "./lab_error.ts";

/** Releases: with systemd 252 and 257. */
export const BOOTED_RELEASES = ["bookworm", "trixie"] as const;

/** A release. */
export type BootedRelease = typeof BOOTED_RELEASES[number];

/** What the package depends on, and a Kea to watch. */
const PACKAGES = [
  ...["systemd", "systemd-sysv", "dbus", "init-system-helpers"],
  ...["bpftrace", "binutils", "iproute2", "kea-dhcp4-server"],
];

/** Longest time to boot, milliseconds. */
const BOOT_LIMIT_MS = 180_000;

/** Mounts what the container may change over the root, where no one else sees it, and boots. */
const BOOT = `set -e
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
exec systemd-nspawn --quiet --directory="$2/root" --register=no --keep-unit --boot \\
  --private-network --capability=all --console=read-only \\
  --system-call-filter="bpf perf_event_open @debug"`;

/** A booted container. Disposing stops it and removes what it changed. */
export class BootedContainer implements AsyncDisposable {
  /** Its first process, as this machine numbers it. */
  readonly leader: number;
  readonly #resources: AsyncDisposableStack;

  private constructor(leader: number, resources: AsyncDisposableStack) {
    this.leader = leader;
    this.#resources = resources;
  }

  /**
   * Boots a release, and waits until its services have started.
   *
   * @throws {LabError} when it does not boot; nothing is left behind.
   */
  static async boot(release: BootedRelease): Promise<BootedContainer> {
    const root = await ensureRoot({ name: `booted-${release}`, release, packages: PACKAGES });
    await using resources = new AsyncDisposableStack();
    // Those of killed processes are removed.
    const folder = resources.use(
      await privateFolder("booted", join(ownFolder("cache"), "booted")),
    );
    for (const name of ["upper", "work", "root"]) await Deno.mkdir(join(folder.path, name));
    // A process namespace of nspawn's own: when its first process is killed, the kernel kills the container, too.
    const [program, ...before] = IN_OWN_NAMESPACES;
    const child = new Deno.Command(program, {
      args: [...before, "--mount-proc", "--", "sh", "-c", BOOT, "sh", root, folder.path],
      clearEnv: true,
      env: childEnvironment({ SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: "1" }),
      stdin: "null",
      stdout: "null",
      stderr: "null",
      detached: true,
    }).spawn();
    let isOver = false;
    child.status.then(() => isOver = true);
    resources.defer(async () => {
      if (!isOver) await end(child);
    });
    const limit = performance.now() + BOOT_LIMIT_MS;
    while (!isOver && performance.now() < limit) {
      await pause(200);
      const leader = await leaderOf(child.pid);
      if (leader === null) continue;
      const { stdout } = await runIn(leader, ["systemctl", "is-system-running"], 30_000);
      // A service of Debian's that does not start is none of ours.
      if (/^(running|degraded)$/m.test(new TextDecoder().decode(stdout))) {
        return new BootedContainer(leader, resources.move());
      }
    }
    throw new LabError(`Cannot boot Debian ${release} in a container: systemd does not run`);
  }

  /** Runs a program in it, as root. */
  run(...command: readonly string[]): Promise<Ran> {
    return runIn(this.leader, command, 300_000);
  }

  /** Where a path of it is on this machine. */
  path(path: string): string {
    return `/proc/${this.leader}/root${path}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

function runIn(leader: number, command: readonly string[], limitMs: number): Promise<Ran> {
  return run([
    ...["nsenter", "--target", String(leader)] as const,
    ...["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--"],
    ...["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"],
    ...command,
  ], { limitMs });
}

/** The first process of the container, which nspawn has started; null as long as there is none. */
async function leaderOf(pid: number): Promise<number | null> {
  const nspawn = await firstChild(pid);
  const leader = nspawn === null ? null : await firstChild(nspawn);
  if (leader === null) return null;
  // The shell's mount, before nspawn takes its place, is a process of nspawn's namespace.
  const [outer, inner] = [nspawn, leader].map((each) => linkTarget(`/proc/${each}/ns/pid`));
  return inner === null || inner === outer ? null : leader;
}

async function firstChild(pid: number): Promise<number | null> {
  const path = `/proc/${pid}/task/${pid}/children`;
  const [first] = (await Deno.readTextFile(path).catch(() => "")).split(" ");
  return first ? Number(first) : null;
}

async function end(child: Deno.ChildProcess): Promise<void> {
  // The first process of a namespace ends when all others have ended.
  const nspawn = await firstChild(child.pid);
  try {
    Deno.kill(nspawn ?? child.pid, "SIGKILL");
  } catch {
    // It has ended.
  }
  await child.status;
}
