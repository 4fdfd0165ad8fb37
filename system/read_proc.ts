/**
 * Files of /proc, up to a limit of time and of bytes. Some the kernel gives only when it gets the lock of the process's
 * memory map, which a process can hold for ever: while it waits for a file system that does not answer.
 *
 * @module
 */

import { GreedyProcessError, MOST_BYTES, MOST_TABLE_BYTES } from "./greedy_process.ts";

/** What the kernel gives at once, bytes. */
const PIECE = 4096;

/** Longest time for an answer, milliseconds: on a busy machine it takes some. */
const LIMIT_MS = 5000;

/** Parts of that time: while this process itself computes, one part passes at most. */
const TICKS = 10;

/** What was not answered in time, and still waits in a thread of this process, by process id. */
const hung = new Map<number, Promise<unknown>>();

/** A quarter of the threads: with more, nothing is begun that others can make hang. */
const MOST_HUNG = 8;

/** Whether many threads of this process wait for others, some of which may have ended. */
export function isHeldUp(): boolean {
  return hung.size >= MOST_HUNG;
}

/** A process did not let its memory map be read. */
export class HungProcessError extends Error {
  override name = "HungProcessError";
}

/**
 * Reads `maps`, `smaps_rollup`, `cmdline` or `environ` of a process.
 *
 * @throws {HungProcessError} when it takes too long.
 * @throws {GreedyProcessError} when it is too long.
 * @throws {Deno.errors.NotFound} when there is no such process.
 */
export async function readProc(
  pid: number,
  file: "maps" | "smaps_rollup" | "cmdline" | "environ",
  { limitMs = LIMIT_MS, limitBytes = MOST_BYTES } = {},
): Promise<string> {
  return await inTime(pid, () => readUpTo(pid, file, limitBytes), limitMs);
}

/**
 * Reads the sockets of a process's network namespace, its own and others'.
 *
 * @throws {GreedyProcessError} when there are too many.
 * @throws {Deno.errors.NotFound} when there is no such process.
 */
export async function readSocketTable(
  pid: number,
  kind: "packet" | "udp" | "udp6" | "unix",
): Promise<string> {
  return await readUpTo(pid, `net/${kind}`, MOST_TABLE_BYTES);
}

/** The kernel gives these files by the page: what is too long is not read to its end. */
async function readUpTo(pid: number, file: string, limitBytes: number): Promise<string> {
  using opened = await Deno.open(`/proc/${pid}/${file}`);
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for (;;) {
    const piece = new Uint8Array(PIECE);
    const read = await opened.read(piece);
    if (read === null) return await new Blob(pieces).text();
    pieces.push(piece.subarray(0, read));
    length += read;
    if (length > limitBytes) throw new GreedyProcessError(pid, `${limitBytes} bytes of ${file}`);
  }
}

/**
 * Does work that waits for the memory map of a process, but not too long. What hangs keeps a thread, of which there
 * are 32: nothing more is asked of that process until it has answered.
 *
 * @throws {HungProcessError} when it takes too long.
 */
export async function inTime<T>(
  pid: number,
  work: () => Promise<T>,
  limitMs = LIMIT_MS,
): Promise<T> {
  if (hung.has(pid)) throw hungError(pid);
  const late = Promise.withResolvers<never>();
  const working = work();
  let ticks = 0;
  const timer = setInterval(() => {
    if (++ticks < TICKS) return;
    clearInterval(timer);
    hung.set(pid, working);
    working.catch(() => {}).finally(() => hung.get(pid) === working && hung.delete(pid));
    late.reject(hungError(pid));
  }, limitMs / TICKS);
  try {
    return await Promise.race([working, late.promise]);
  } finally {
    clearInterval(timer);
  }
}

function hungError(pid: number): HungProcessError {
  return new HungProcessError(
    `Cannot read the memory map of process ${pid} in time: look for a file system that it uses and that hangs`,
  );
}
