/**
 * What a lab leaves on the machine while it runs, written down, so that the next one clears what a
 * killed one could not.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import { join } from "node:path";
import { isRunning, statOf } from "../../system/proc.ts";
import { processNamespace } from "../../system/namespaces.ts";
import { run, textOf } from "../../system/run.ts";

/** Folder of the states of all labs; the next boot empties it, as it does the namespaces. */
const STATES = "/run/kea-ebpf-monitoring/labs";

/** What one lab made. */
export interface LabState {
  /** The process that owns the lab. */
  readonly owner: number;
  readonly ownerStartTicks: number;
  /** The process namespace in which these numbers hold. */
  readonly processNamespace: string | null;
  readonly namespaces: readonly string[];
  readonly directory: string;
  /** Processes that it started, as [pid, start ticks]. */
  readonly processes: readonly (readonly [number, number])[];
}

/** Writes down, or updates, what a lab made. */
export async function remember(name: string, state: LabState): Promise<void> {
  await Deno.mkdir(STATES, { recursive: true });
  const path = join(STATES, name);
  await Deno.writeTextFile(`${path}.new`, JSON.stringify(state));
  await Deno.rename(`${path}.new`, path);
}

/** Takes down what a lab made; what is gone already is passed over. */
export async function clear(name: string, state: LabState): Promise<void> {
  // What was started last needs what was started first.
  for (const [pid, startTicks] of state.processes.toReversed()) await stopProcess(pid, startTicks);
  for (const namespace of state.namespaces) {
    // Whatever else runs in there belongs to the lab, and would keep the namespace.
    for (const pid of await processesIn(namespace)) {
      const stat = await statOf(pid);
      if (stat !== null) await stopProcess(pid, stat.startTicks);
    }
    await run(["ip", "netns", "delete", namespace]);
  }
  await Deno.remove(state.directory, { recursive: true }).catch(ignoreAbsence);
  await Deno.remove(join(STATES, name)).catch(ignoreAbsence);
}

/** Takes down every lab of this process namespace whose owner does not run any more. */
export async function clearLeftovers(): Promise<void> {
  let names: string[];
  try {
    names = Array.from(Deno.readDirSync(STATES), ({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  for (const name of names) {
    const state = await readState(join(STATES, name));
    // Numbers of another process namespace say nothing here.
    if (state === null || state.processNamespace !== await processNamespace()) continue;
    if (await isRunning(state.owner, state.ownerStartTicks)) continue;
    await clear(name, state);
  }
}

async function readState(path: string): Promise<LabState | null> {
  try {
    return JSON.parse(await Deno.readTextFile(path)) as LabState;
  } catch (error) {
    // Taken down by another lab in this moment, or half-written by a dying one under another name.
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return null;
    throw error;
  }
}

async function processesIn(namespace: string): Promise<number[]> {
  const pids = textOf(await run(["ip", "netns", "pids", namespace]));
  return pids.split("\n").filter(Boolean).map(Number);
}

/** SIGTERM, and SIGKILL after 3 s, to the process that started then and to no other. */
async function stopProcess(pid: number, startTicks: number): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (!await isRunning(pid, startTicks)) return;
    try {
      Deno.kill(pid, signal);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    for (let waited = 0; waited < 3000 && await isRunning(pid, startTicks); waited += 50) {
      await pause(50);
    }
  }
}

function ignoreAbsence(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
