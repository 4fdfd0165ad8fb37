/**
 * Names of the servers of a host, the same after a restart.
 *
 * @module
 */

import type { Candidate } from "./candidate.ts";

/** A name, or the process that has it and must give it up first. */
export type Naming = { readonly name: string } | { readonly holder: number };

/** Gives each server a name: its kind, and where it runs when there are several of a kind. */
export class ServerNames {
  readonly #holders = new Map<string, Candidate>();

  /**
   * The name of a server: `dhcp4`, or `dhcp4@UNIT` when another one has that. It goes to the one that ranks higher.
   *
   * @param running the process ids of all servers that run: one that has ended leaves its name to the next one.
   */
  nameOf(candidate: Candidate, running: ReadonlySet<number>): Naming {
    const { kea: { pid, family }, place, rank } = candidate;
    const kind = `dhcp${family}`;
    for (const name of [kind, `${kind}@${place}`, `${kind}@${place}:${pid}`]) {
      const holder = this.#holders.get(name);
      if (holder === undefined || !running.has(holder.kea.pid) || holder.kea.pid === pid) {
        this.#holders.set(name, candidate);
        return { name };
      }
      if (holder.rank > rank) return { holder: holder.kea.pid };
    }
    throw new Error(`Process ${pid} has a name already`);
  }

  /** Another process may have its name from now on. */
  free(pid: number): void {
    for (const [name, { kea }] of this.#holders) if (kea.pid === pid) this.#holders.delete(name);
  }
}
