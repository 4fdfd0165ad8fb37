/**
 * /proc/PID/stat, see proc(5).
 *
 * @module
 */

import { bootTime } from "./libc.ts";

/** Clock ticks per second: USER_HZ, 100 on every Linux ABI that Kea runs on. */
export const TICKS = 100;

/** Fields of /proc/PID/stat that we use. */
export interface Stat {
  /** The first 15 bytes of its program's name. */
  readonly command: string;
  readonly state: string;
  readonly processGroup: number;
  /** The process group that its terminal sends ^C to. */
  readonly foregroundGroup: number;
  readonly minorFaults: number;
  readonly majorFaults: number;
  /** CPU times in clock ticks, see {@linkcode TICKS}. */
  readonly userTicks: number;
  readonly systemTicks: number;
  /** CPU times of its children that have ended, in the same ticks. */
  readonly endedTicks: number;
  readonly threads: number;
  /** Clock ticks since boot: with the process id it identifies a process. */
  readonly startTicks: number;
  /** Addresses; 0 or 1 if we may not trace the process. */
  readonly startCode: number;
  readonly startStack: number;
  /** Start and end of its command line in its memory. */
  readonly argumentsStart: number;
  readonly argumentsEnd: number;
}

/** Parses /proc/PID/stat; the command name in it may contain blanks and parentheses. */
export function parseStat(text: string): Stat {
  const words = text.slice(text.lastIndexOf(")") + 2).split(" ");
  /** By its number in proc(5); what follows the name is field 3. */
  const field = (number: number) => Number(words[number - 3]);
  return {
    command: text.slice(text.indexOf("(") + 1, text.lastIndexOf(")")),
    state: words[0]!,
    processGroup: field(5),
    foregroundGroup: field(8),
    minorFaults: field(10),
    majorFaults: field(12),
    userTicks: field(14),
    systemTicks: field(15),
    endedTicks: field(16) + field(17),
    threads: field(20),
    startTicks: field(22),
    startCode: field(26),
    startStack: field(28),
    argumentsStart: field(48),
    argumentsEnd: field(49),
  };
}

/**
 * Reads /proc/PID/stat, or that of one thread; null when it is gone. The kernel takes no lock of the process for
 * it, so it is read without another thread, which would take ten times as long.
 */
export function statOf(pid: number, thread?: number): Stat | null {
  const task = thread === undefined ? "" : `/task/${thread}`;
  try {
    return parseStat(Deno.readTextFileSync(`/proc/${pid}${task}/stat`));
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

/** Whether the process that started at this time (clock ticks since boot) still runs. */
export function isRunning(pid: number, startTicks: number): boolean {
  const stat = statOf(pid);
  return stat !== null && stat.state !== "Z" && stat.startTicks === startTicks;
}

/** How long a process has run, seconds; null when it is gone. */
export function ageOf(pid: number): number | null {
  const stat = statOf(pid);
  return stat === null ? null : Number(bootTime()) / 1e9 - stat.startTicks / TICKS;
}

/**
 * Anonymous memory of a process, bytes; 0 when it is gone. The kernel counts it as pages come and go, to some 100 KiB a
 * thread, and walks no pages for it.
 */
export function anonymousBytes(pid: number): number {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/status`);
    return 1024 * Number(/^RssAnon:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0);
  } catch (error) {
    if (isGone(error)) return 0;
    throw error;
  }
}

/** Whether the process ended while it was read: the file is gone, or reading fails with ESRCH. */
export function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
    (error instanceof Error && /os error (2|3)\b/.test(error.message));
}
