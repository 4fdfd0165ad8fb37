/**
 * A control group that limits a lab's server to a share of one CPU: version 1 or version 2.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { throttledSecondsOf } from "../../system/cpu_limit.ts";
import { LabError } from "./lab_error.ts";

/** Length of the kernel's accounting, microseconds: its default. */
const PERIOD_US = 100_000;

/** Where version 1 has the controller, by the mounts of distributions. */
const FIRST = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"];
const SECOND = "/sys/fs/cgroup";

/** A limited server; disposing removes the limit. */
export interface CpuQuota extends AsyncDisposable {
  /** How long the kernel has held the group back, seconds, all CPUs together. */
  throttledSeconds(): Promise<number>;
}

/**
 * Limits a process.
 *
 * @param share of one CPU: 0.2.
 * @throws {LabError} where control groups do not limit CPUs.
 */
export async function limitCpu(pid: number, share: number): Promise<CpuQuota> {
  const name = `kea-lab-quota-${crypto.randomUUID().slice(0, 8)}`;
  const quota = String(Math.round(share * PERIOD_US));
  const mount = FIRST.find((each) => existsSync(join(each, "cpu.cfs_quota_us")));
  const folder = join(mount ?? SECOND, name);
  try {
    if (mount === undefined) {
      await Deno.writeTextFile(join(SECOND, "cgroup.subtree_control"), "+cpu");
    }
    await Deno.mkdir(folder);
    // With the greatest weight, so that only the quota holds it back, however busy the machine is.
    const settings = mount === undefined
      ? { "cpu.max": `${quota} ${PERIOD_US}`, "cpu.weight": "10000" }
      : { "cpu.cfs_quota_us": quota, "cpu.shares": "262144" };
    for (const [file, value] of Object.entries(settings)) {
      await Deno.writeTextFile(join(folder, file), value);
    }
  } catch (error) {
    throw new LabError(`Cannot limit the CPU of process ${pid}: ${(error as Error).message}`);
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
  await Deno.writeTextFile(join(folder, "cgroup.procs"), String(pid));
  return {
    throttledSeconds: async () => await throttledSecondsOf(pid) ?? 0,
    [Symbol.asyncDispose]: async () => {
      // Fails if the process has ended.
      await Deno.writeTextFile(join(mount ?? SECOND, "cgroup.procs"), String(pid)).catch(() => {});
      await remover.stdin.close();
      await remover.status;
    },
  };
}
