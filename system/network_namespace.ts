/**
 * Runs programs of this host in the network namespace of a process. They stay in our mount and process
 * namespaces: they cannot reach or run the process's files, and it does not see them.
 *
 * @module
 */

import { type Ran, run, type RunOptions } from "./run.ts";

/**
 * Runs a program in the network namespace of a process.
 *
 * @throws {Deno.errors.NotFound} when there is no nsenter.
 */
export function runAtNetworkOf(
  pid: number,
  command: readonly [string, ...string[]],
  options?: RunOptions,
): Promise<Ran> {
  return run(["nsenter", "-t", String(pid), "-n", "--", ...command], options);
}
