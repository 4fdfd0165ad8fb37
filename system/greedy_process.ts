/**
 * Limits of what is read of a process again and again: any user may start one that has far more than a server, and
 * reading all of it would hold up the watch of the others.
 *
 * @module
 */

/** Far more than a Kea has: it has some 60 files, two sockets an address and a few threads a CPU. */
const MOST = { descriptors: 8192, threads: 1024 };

/** The longest text of a file in /proc, bytes: the memory map of a Kea has 40,000. */
export const MOST_BYTES = 4 * 2 ** 20;

/** The longest table of sockets, bytes: all of a network namespace, 128 bytes each. A busy resolver has thousands. */
export const MOST_TABLE_BYTES = 32 * 2 ** 20;

/** A process has more of something than any server. */
export class GreedyProcessError extends Error {
  override name = "GreedyProcessError";

  /** @param most what it has at most, in words. */
  constructor(pid: number, most: string) {
    super(
      `Cannot read process ${pid}: it has more than ${most}; if it is no Kea, choose another with --server`,
    );
  }
}

/**
 * Checks how many descriptors and threads a process has. The kernel takes no lock of the process for it.
 *
 * @throws {GreedyProcessError} when there are too many.
 * @throws {Deno.errors.NotFound} when there is no such process.
 */
export function checkModest(pid: number, most = MOST): void {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const numberOf = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)$`, "m").exec(status)?.[1] ?? 0);
  // Places for descriptors, which a program inherits from the one that started it. Since Linux 6.2, how many are used
  // is the size of their folder.
  const places = numberOf("FDSize");
  if (places > most.descriptors) {
    const used = Deno.statSync(`/proc/${pid}/fd`).size || places;
    if (used > most.descriptors) {
      throw new GreedyProcessError(pid, `${most.descriptors} open files`);
    }
  }
  if (numberOf("Threads") > most.threads) {
    throw new GreedyProcessError(pid, `${most.threads} threads`);
  }
}
