/**
 * Processes that hold the lock of their memory map without end: they wait, while they map a file, for a file system that
 * does not answer. To attach or detach a probe in a file, the kernel takes this lock of every process that maps the file;
 * until it has them all, no process of the host can fork (`register_for_each_vma()` in kernel/events/uprobes.c).
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import { printable } from "./printable.ts";
import { statOf } from "./proc.ts";
import { HungProcessError, readProc } from "./read_proc.ts";

/** Longest time for an answer, milliseconds: so long may a probe stop the forks of the host. */
const LIMIT_MS = 1000;

/**
 * How long those that do not answer in time are asked again, milliseconds: to fork, a process with 100 GB of memory
 * holds its lock for a second or two.
 */
const PATIENCE_MS = 5000;

/** Who asks now: all that attach at a time need one answer, and one thread. */
let asking: Promise<string | null> | undefined;

/** Asks every process of the host; returns which one does not answer, for people, or null if all do. */
export function hungProcess(): Promise<string | null> {
  return asking ??= hungAmong(processes()).finally(() => asking = undefined);
}

/**
 * Asks some processes, one after the other: what does not answer keeps a thread.
 *
 * @param patienceMs how long all are waited for, milliseconds.
 */
export async function hungAmong(
  pids: readonly number[],
  patienceMs = PATIENCE_MS,
): Promise<string | null> {
  const end = performance.now() + patienceMs;
  for (const pid of pids) {
    while (!await answers(pid)) {
      const stat = performance.now() < end ? null : statOf(pid);
      if (stat !== null) {
        return `process ${pid} (${printable(stat.command)}) hangs with the lock of its memory map`;
      }
      await pause(100);
    }
  }
  return null;
}

/** Whether a process gives its command line at once; one that is gone, or has no memory of its own, does. */
async function answers(pid: number): Promise<boolean> {
  try {
    await readProc(pid, "cmdline", { limitMs: LIMIT_MS });
    return true;
  } catch (error) {
    return !(error instanceof HungProcessError);
  }
}

/** All processes, those of the kernel, too. */
function processes(): number[] {
  return Deno.readDirSync("/proc").map(({ name }) => Number(name)).filter(Number.isInteger)
    .toArray();
}
