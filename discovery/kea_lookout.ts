/**
 * Looks for servers again and again, at little cost on a host with many processes.
 *
 * @module
 */

import { keaAt, type RunningKea } from "./servers.ts";

/** For so many looks after it came, a process is looked at each time: it may run another program first. */
const YOUNG = 10;

/** Later one in so many is looked at each time. */
const TURNS = 10;

/** Finds servers; a look is meant for each second. */
export class KeaLookout {
  readonly #readKea: (pid: number) => RunningKea | null;
  /** The look at which each process was seen first. */
  readonly #since = new Map<number, number>();
  #keas = new Map<number, RunningKea>();
  #looks = 0;

  /** @param readKea whether a process is a server. */
  constructor(readKea = keaAt) {
    this.#readKea = readKea;
  }

  /**
   * All processes that call themselves Kea DHCP servers, by process id. An old process that becomes one is found
   * after ten looks at the latest.
   *
   * @param pids the processes that run.
   */
  look(pids: ReadonlySet<number> = runningPids()): RunningKea[] {
    this.#looks++;
    const keas = new Map<number, RunningKea>();
    for (const pid of pids) {
      const age = this.#looks - this.#since.getOrInsert(pid, this.#looks);
      const isDue = age < YOUNG || this.#keas.has(pid) || (pid + this.#looks) % TURNS === 0;
      const kea = isDue ? this.#readKea(pid) : null;
      if (kea !== null) keas.set(pid, kea);
    }
    for (const pid of this.#since.keys()) if (!pids.has(pid)) this.#since.delete(pid);
    this.#keas = keas;
    return [...keas.values()].toSorted((a, b) => a.pid - b.pid);
  }
}

function runningPids(): Set<number> {
  const names = Deno.readDirSync("/proc");
  return new Set(Iterator.from(names).map(({ name }) => Number(name)).filter(Number.isInteger));
}
