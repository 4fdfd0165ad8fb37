/**
 * Measures time and memory of a program.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";

/** Runs a program to its end; returns its seconds and its peak resident memory in bytes. */
export async function measured(program: string, args: readonly string[]) {
  const begin = performance.now();
  const child = new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const memory = greatestMemory(child.pid);
  const { success } = await child.status;
  const seconds = (performance.now() - begin) / 1000;
  if (!success) throw new Error(`Cannot measure, ${program} failed`);
  return { seconds, bytes: await memory };
}

/** The peak resident memory of a process, read until it ends. */
async function greatestMemory(pid: number): Promise<number> {
  let kibibytes = 0;
  for (;;) {
    const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
    const peak = /^VmHWM:\s+(\d+)/m.exec(status)?.[1];
    if (peak === undefined) return 1024 * kibibytes;
    kibibytes = Number(peak);
    await pause(10);
  }
}
