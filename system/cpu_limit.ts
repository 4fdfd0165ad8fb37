/**
 * The CPU limit of a process's control group: version 1, version 2, or both mounted.
 *
 * @module
 */

import { dirname, join } from "node:path";

/** A control group, and where it is mounted. */
interface Group {
  readonly version: 1 | 2;
  readonly mount: string;
  readonly folder: string;
}

/**
 * The cores that a process may use at most, by its group and those above it; Infinity without a limit.
 *
 * @returns null if its group is not visible here.
 */
export async function coresOf(pid: number, root = "/"): Promise<number | null> {
  const group = await groupOf(pid, root);
  if (group === null) return null;
  let least = Infinity;
  for (let folder = group.folder;; folder = dirname(folder)) {
    least = Math.min(least, await limitAt(folder, group.version));
    if (folder === group.mount) return least;
  }
}

/**
 * How long a process's group has been throttled since it exists, seconds.
 *
 * @returns null if that is not visible: the process has no group, or the group does not count it.
 */
export async function throttledSecondsOf(pid: number, root = "/"): Promise<number | null> {
  return (await throttlingOf(pid, root))?.seconds ?? null;
}

/** How a quota has held back a process's group since it exists. */
export interface Throttling {
  /** All CPUs together. */
  readonly seconds: number;
  /** Accounting periods in which the quota was used up. */
  readonly periods: number;
}

/** The same with the number of periods; null if that is not visible. */
export async function throttlingOf(pid: number, root = "/"): Promise<Throttling | null> {
  const group = await groupOf(pid, root);
  if (group === null) return null;
  const stat = await read(join(group.folder, "cpu.stat")) ?? "";
  const numberOf = (name: string) => new RegExp(`^${name} (\\d+)$`, "m").exec(stat)?.[1];
  // Microseconds in version 2, nanoseconds in version 1.
  const [name, perSecond] = group.version === 2 ? ["throttled_usec", 1e6] : ["throttled_time", 1e9];
  const time = numberOf(String(name));
  if (time === undefined) return null;
  return {
    seconds: Number(time) / Number(perSecond),
    periods: Number(numberOf("nr_throttled") ?? 0),
  };
}

/** The group that limits a process's CPUs; null where it is not mounted here. */
async function groupOf(pid: number, root: string): Promise<Group | null> {
  const groups = await read(join(root, `proc/${pid}/cgroup`));
  const mounts = await read(join(root, "proc/self/mountinfo"));
  if (groups === null || mounts === null) return null;
  // A controller is in version 1 or in version 2, never in both.
  const first = /^\d+:(?:[^:\n]*,)?cpu(?:,[^:\n]*)?:(\/.*)$/m.exec(groups)?.[1];
  const second = /^0::(\/.*)$/m.exec(groups)?.[1];
  const version = first === undefined ? 2 : 1;
  const path = first ?? second;
  if (path === undefined) return null;
  for (const line of mounts.split("\n")) {
    // proc(5): id, parent, device, root, mount point, options, ..., "-", type, source, super options.
    const [before, after] = line.split(" - ") as [string, string?];
    const [, , , top, at] = before.split(" ");
    const [type, , options] = after?.split(" ") ?? [];
    const isIt = version === 2
      ? type === "cgroup2"
      : type === "cgroup" && options!.split(",").includes("cpu");
    if (!isIt || top === undefined || at === undefined) continue;
    const inside = top === "/"
      ? path
      : path === top
      ? "/"
      : path.startsWith(`${top}/`)
      ? path.slice(top.length)
      : null;
    // Above the root of a namespace of groups, a path begins with "/..".
    if (inside === null || inside.split("/").includes("..")) continue;
    const mount = join(root, at);
    const folder = inside === "/" ? mount : join(mount, inside);
    if (await Deno.stat(folder).then(({ isDirectory }) => isDirectory, () => false)) {
      return { version, mount, folder };
    }
  }
  return null;
}

/** The cores that one group allows; files that are not there set no limit. */
async function limitAt(folder: string, version: 1 | 2): Promise<number> {
  const files = version === 2 ? ["cpu.max"] : ["cpu.cfs_quota_us", "cpu.cfs_period_us"];
  const texts = await Promise.all(files.map((file) => read(join(folder, file))));
  const [quota, period] = texts.join(" ").trim().split(/\s+/).map(Number);
  // "max" and -1 are no limit.
  return quota! > 0 && period! > 0 ? quota! / period! : Infinity;
}

const read = (path: string) => Deno.readTextFile(path).then((text) => text, () => null);
