/**
 * Records what a lab has on the machine while it runs, so that the next lab can remove what a killed one
 * left behind.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { isRunning, statOf } from "../../system/proc.ts";
import { processNamespace } from "../../system/namespaces.ts";
import { run, textOf } from "../../system/run.ts";

/** Folder of the records of all labs; like the namespaces, it is gone after a reboot. */
const STATES = "/run/kea-ebpf-monitoring/labs";

/** What one lab made. */
export interface LabState {
  /** The process that owns the lab. */
  readonly owner: number;
  readonly ownerStartTicks: number;
  /** The process namespace of these process ids. */
  readonly processNamespace: string | null;
  readonly namespaces: readonly string[];
  readonly directory: string;
  /** Processes that it started, as [pid, start ticks]. */
  readonly processes: readonly (readonly [number, number])[];
}

/** What a lab has on the machine, on record before it is there. */
export class Belongings {
  readonly #name: string;
  readonly #children: Deno.ChildProcess[] = [];
  #state: LabState;

  private constructor(name: string, state: LabState) {
    this.#name = name;
    this.#state = state;
  }

  /** Starts the record of a lab of this process. */
  static async record(
    name: string,
    made: Pick<LabState, "namespaces" | "directory">,
  ): Promise<Belongings> {
    const belongings = new Belongings(name, {
      owner: Deno.pid,
      ownerStartTicks: (statOf(Deno.pid))!.startTicks,
      processNamespace: await processNamespace(),
      ...made,
      processes: [],
    });
    await belongings.#write();
    return belongings;
  }

  /** Adds a process that this one started. */
  async keep(child: Deno.ChildProcess): Promise<void> {
    this.#children.push(child);
    await this.keepProcess(child.pid);
  }

  /** Adds a process. */
  async keepProcess(pid: number): Promise<void> {
    const stat = statOf(pid);
    if (stat === null) return;
    const processes = [...this.#state.processes, [pid, stat.startTicks] as const];
    this.#state = { ...this.#state, processes };
    await this.#write();
  }

  /** Removes all. */
  async clear(): Promise<void> {
    await clear(this.#name, this.#state);
    await Promise.all(this.#children.map((child) => child.status));
  }

  async #write(): Promise<void> {
    await Deno.mkdir(STATES, { recursive: true });
    const path = join(STATES, this.#name);
    await Deno.writeTextFile(`${path}.new`, JSON.stringify(this.#state));
    await Deno.rename(`${path}.new`, path);
  }
}

/** Removes what a lab made, except what is gone already. */
async function clear(name: string, state: LabState): Promise<void> {
  // Later processes need earlier ones, so stop them in reverse order.
  for (const [pid, startTicks] of state.processes.toReversed()) await stopProcess(pid, startTicks);
  for (const namespace of state.namespaces) {
    // Any other process in there belongs to the lab, and would keep the namespace alive.
    for (const pid of await processesIn(namespace)) {
      const stat = statOf(pid);
      if (stat !== null) await stopProcess(pid, stat.startTicks);
    }
    await run(["ip", "netns", "delete", namespace]);
  }
  await rm(state.directory, { recursive: true, force: true });
  await rm(join(STATES, name), { force: true });
}

/** Removes every lab of this process namespace whose owner no longer runs. */
export async function clearLeftovers(): Promise<void> {
  if (!existsSync(STATES)) return;
  for (const { name } of [...Deno.readDirSync(STATES)]) {
    const state = await readState(join(STATES, name));
    // Process ids of another process namespace have no meaning here.
    if (state === null || state.processNamespace !== await processNamespace()) continue;
    if (isRunning(state.owner, state.ownerStartTicks)) continue;
    await clear(name, state);
  }
}

/** The names of the labs that a process owns. */
export async function labsOf(owner: number): Promise<string[]> {
  const names = [...Deno.readDirSync(STATES)].map(({ name }) => name);
  const states = await Promise.all(names.map((name) => readState(join(STATES, name))));
  return names.filter((_, index) => states[index]?.owner === owner);
}

async function readState(path: string): Promise<LabState | null> {
  try {
    return JSON.parse(await Deno.readTextFile(path)) as LabState;
  } catch (error) {
    // Another lab has just removed it, or a killed lab left it half-written under another name.
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return null;
    throw error;
  }
}

async function processesIn(namespace: string): Promise<number[]> {
  const pids = textOf(await run(["ip", "netns", "pids", namespace]));
  return pids.split("\n").filter(Boolean).map(Number);
}

/** SIGTERM, then SIGKILL after 3 s, but only to the process that started at this time. */
async function stopProcess(pid: number, startTicks: number): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (!isRunning(pid, startTicks)) return;
    try {
      Deno.kill(pid, signal);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    for (let waited = 0; waited < 3000 && isRunning(pid, startTicks); waited += 50) {
      await pause(50);
    }
  }
}
