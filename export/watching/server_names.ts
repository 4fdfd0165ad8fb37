/**
 * Names of the servers of a host, the same after a restart.
 *
 * @module
 */

import type { RunningKea } from "../../discovery/servers.ts";
import { printable } from "../../system/printable.ts";

/** The longest part of a name that a process may choose. */
const LONGEST = 64;

/** Gives each server a name: its kind, and where it runs when there are several of a kind. */
export class ServerNames {
  readonly #names = new Map<number, string>();

  /**
   * The name of a process: `dhcp4`, or `dhcp4@UNIT` when another process has that.
   *
   * @param running the process ids of all servers that run.
   * @returns null when it has ended.
   */
  nameOf({ pid, family }: RunningKea, running: ReadonlySet<number>): string | null {
    const kind = `dhcp${family}`;
    // A process that has ended leaves its name to the next one.
    const used = new Set(
      this.#names.entries().filter(([other]) => running.has(other)).map(([, name]) => name),
    );
    const unit = unitOf(pid);
    if (unit === null) return null;
    const candidates = [kind, `${kind}@${unit}`, `${kind}@${unit}:${pid}`];
    const name = candidates.find((each) => !used.has(each))!;
    this.#names.set(pid, name);
    return name;
  }

  /** Another process may have its name from now on. */
  free(pid: number): void {
    this.#names.delete(pid);
  }
}

/** The last part of the control group of a process: its service or container. */
function unitOf(pid: number): string | null {
  try {
    const path = Deno.readTextFileSync(`/proc/${pid}/cgroup`).trim().split("\n").at(-1)!;
    const last = path.split("/").at(-1)!.replace(/\.(service|scope)$/, "");
    // Not half of a character: that is no text for a link.
    return printable(last.slice(0, LONGEST).replace(/[\ud800-\udbff]$/, "")) || "host";
  } catch {
    return null;
  }
}
