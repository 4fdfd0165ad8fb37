/**
 * A control group for processes of a lab: it comes before all others on its CPUs, or has a quota. Version 1 or 2.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { isGone } from "../../system/proc.ts";
import { throttledSecondsOf } from "../../system/cpu_limit.ts";
import { LabError } from "./lab_error.ts";

/** Length of the kernel's accounting, microseconds: its default. */
const PERIOD_US = 100_000;

/** Where version 1 has the controller, by the mounts of distributions. */
const FIRST = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"];
const SECOND = "/sys/fs/cgroup";

/** Such a group; disposing removes it. */
export interface CpuGroup extends AsyncDisposable {
  /** How long the kernel has held the group back, seconds, all CPUs together. */
  throttledSeconds(): Promise<number>;
}

/**
 * Puts processes into a group of their own. The group has the greatest weight, so that only its quota holds it
 * back, however busy the machine is.
 *
 * @param share its quota, of one CPU: 0.2; null for none.
 * @throws {LabError} where control groups do not limit CPUs.
 */
export async function cpuGroup(pids: readonly number[], share: number | null): Promise<CpuGroup> {
  const name = `kea-lab-cpu-${crypto.randomUUID().slice(0, 8)}`;
  const quota = share === null ? null : String(Math.round(share * PERIOD_US));
  const mount = FIRST.find((each) => existsSync(join(each, "cpu.cfs_quota_us")));
  const folder = join(mount ?? SECOND, name);
  try {
    if (mount === undefined) {
      await Deno.writeTextFile(join(SECOND, "cgroup.subtree_control"), "+cpu");
    }
    await Deno.mkdir(folder);
    const settings = mount === undefined
      ? { "cpu.max": `${quota ?? "max"} ${PERIOD_US}`, "cpu.weight": "10000" }
      : { "cpu.cfs_quota_us": quota ?? "-1", "cpu.shares": "262144" };
    for (const [file, value] of Object.entries(settings)) {
      await Deno.writeTextFile(join(folder, file), value);
    }
  } catch (error) {
    throw new LabError(
      `Cannot make a control group for processes ${pids.join(", ")}: ${(error as Error).message}`,
    );
  }
  // Removes the group when it is empty and its input ends: when this process disposes of it, or is killed.
  const remover = new Deno.Command("sh", {
    args: [
      "-c",
      'cat > /dev/null; until rmdir "$1" 2> /dev/null || [ ! -d "$1" ]; do sleep 0.2; done',
      ...["sh", folder],
    ],
    stdin: "piped",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
  const members = join(folder, "cgroup.procs");
  for (const pid of pids) await move(pid, members);
  return {
    throttledSeconds: async () => await throttledSecondsOf(pids[0]!) ?? 0,
    [Symbol.asyncDispose]: async () => {
      // Those that they have started, too.
      for (const pid of (await Deno.readTextFile(members)).trim().split("\n")) {
        if (pid !== "") await move(Number(pid), join(mount ?? SECOND, "cgroup.procs"));
      }
      await remover.stdin.close();
      await remover.status;
    },
  };
}

/** Moves a process to a group, unless it has ended: a database starts some for a moment. */
async function move(pid: number, members: string): Promise<void> {
  await Deno.writeTextFile(members, String(pid)).catch((error) => {
    if (!isGone(error)) throw error;
  });
}
