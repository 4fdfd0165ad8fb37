/**
 * What the host does to a server: time that its hypervisor gave to others, a quota that holds the server back, and
 * how long tasks of the host waited for a CPU, memory or a disk.
 *
 * @module
 */

import type { HostSample } from "../metrics/capture.ts";
import { throttlingOf } from "../system/cpu_limit.ts";

/** Clock ticks per second in /proc/stat. */
const TICKS = 100;

/** The resources of /proc/pressure. */
const RESOURCES = ["cpu", "memory", "io"] as const;

/**
 * Reads the host.
 *
 * @param pid the server's process.
 * @returns what is not visible as null: the kernel does not count it, or a container hides it.
 */
export async function readHost(pid: number): Promise<HostSample> {
  const [stat, throttling, ...pressures] = await Promise.all([
    read("/proc/stat"),
    throttlingOf(pid),
    ...RESOURCES.map((resource) => read(`/proc/pressure/${resource}`)),
  ]);
  const pressure = Object.fromEntries(RESOURCES.flatMap((resource, index) => {
    const found = pressureIn(pressures[index]!);
    return found === null ? [] : [[resource, found] as const];
  }));
  return {
    steal_seconds: stealIn(stat),
    throttled_periods: throttling?.periods ?? null,
    pressure,
  };
}

/** Seconds of all CPUs together that a hypervisor gave to others; null if the text has none. */
export function stealIn(stat: string): number | null {
  // proc(5): user, nice, system, idle, iowait, irq, softirq, steal.
  const steal = /^cpu +(?:\d+ ){7}(\d+)/m.exec(stat)?.[1];
  return steal === undefined ? null : Number(steal) / TICKS;
}

/**
 * Seconds in which some tasks waited for a resource, and in which all that could run did; null if the text is not
 * the kernel's.
 */
export function pressureIn(text: string): { readonly some: number; readonly full: number } | null {
  const total = (kind: string) => {
    const found = new RegExp(`^${kind} .*\\btotal=(\\d+)$`, "m").exec(text)?.[1];
    return found === undefined ? null : Number(found) / 1e6;
  };
  const some = total("some");
  // Before Linux 5.13, CPUs have no such line.
  return some === null ? null : { some, full: total("full") ?? 0 };
}

/** Empty if it is not there, or the kernel does not count it. */
const read = (path: string) => Deno.readTextFile(path).then((text) => text, () => "");
