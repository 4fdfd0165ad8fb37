/**
 * The process id that the programs compare with: the one in the host's first namespace, which is correct
 * wherever the monitor and the server run.
 *
 * The meaning of bpftrace's own `pid` depends on its version and on where it runs. 0.17 gives the id in the
 * first namespace; 0.23 and later the id in bpftrace's own namespace, and 0 for a process in a deeper one.
 * In the first namespace all of them are the ids in /proc.
 *
 * @module
 */

import { DiscoveryError } from "../discovery/discovery_error.ts";
import type { Server } from "../discovery/types.ts";
import { parseStat } from "../system/proc.ts";
import { isFirstProcessNamespace } from "../system/namespaces.ts";
import { complaintOf, run, textOf } from "../system/run.ts";
import { type Bpftrace, BPFTRACE_ENVIRONMENT } from "./bpftrace.ts";

/** A server reads the clock or waits for packets at least once per second. */
const LIMIT_SECONDS = 5;

/**
 * Finds the process id of a server on the host, if /proc may show another one. The kernel's task is
 * recognized at a system call, by its start time and by two random addresses of its memory.
 *
 * @returns null if /proc has the host's own ids, so that `pid` and `tid` of any bpftrace are correct.
 * @throws {DiscoveryError} when the server cannot be recognized.
 */
export async function hostProcessId(
  { pid }: Pick<Server, "pid">,
  bpftrace: Bpftrace,
): Promise<number | null> {
  if (await isFirstProcessNamespace()) return null;
  const refuse = (why: string) =>
    new DiscoveryError(
      `Cannot find the host's process id of process ${pid} (${why}): ` +
        "run this on the host, or in a container with the host's process ids (--pid=host)",
    );
  const condition = await taskCondition(pid);
  if (condition === null) throw refuse("/proc does not show where its memory begins");
  const { id, why } = await firstCaller(bpftrace, condition);
  if (id === null) throw refuse(why);
  return id;
}

/** The condition by which the programs recognize the server's system calls. */
export function callsOf(pid: number, hostPid: number | null): string {
  return hostPid === null ? `pid == ${pid}` : `curtask->tgid == ${hostPid}`;
}

/**
 * Whether a program like the monitor's sees the system calls of a server.
 *
 * @returns null if it does; otherwise why not.
 */
export async function whyUnseen(server: Server, bpftrace: Bpftrace): Promise<string | null> {
  try {
    const hostPid = await hostProcessId(server, bpftrace);
    const { id, why } = await firstCaller(bpftrace, callsOf(server.pid, hostPid));
    return id === null ? why : null;
  } catch (error) {
    if (error instanceof DiscoveryError) return error.message;
    throw error;
  }
}

/** A condition that only the threads of one process meet; null if /proc does not show enough. */
async function taskCondition(pid: number): Promise<string | null> {
  const { startCode, startStack, startTicks } = parseStat(
    await Deno.readTextFile(`/proc/${pid}/stat`),
  );
  if (startCode <= 1 || startStack <= 1) return null;
  return `curtask->mm->start_stack == (uint64)${startStack} && ` +
    `curtask->mm->start_code == (uint64)${startCode} && ` +
    `curtask->group_leader->start_boottime / 10000000 == (uint64)${startTicks}`;
}

/** The host's process id of the first process that makes a system call under a condition. */
async function firstCaller(
  { command }: Bpftrace,
  condition: string,
): Promise<{ readonly id: number | null; readonly why: string }> {
  const program = `tracepoint:raw_syscalls:sys_enter /${condition}/ ` +
    `{ printf("process %d\\n", curtask->tgid); exit(); } ` +
    `interval:s:${LIMIT_SECONDS} { exit(); }`;
  const [name, ...rest] = command;
  const ran = await run(
    ["setpriv", "--pdeathsig", "KILL", "--", name!, ...rest, "-e", program],
    { environment: BPFTRACE_ENVIRONMENT, limitMs: 4000 * LIMIT_SECONDS },
  );
  const id = /^process (\d+)$/m.exec(textOf(ran))?.[1];
  if (id !== undefined) return { id: Number(id), why: "" };
  const why = ran.code === 0
    ? `it made no system call in ${LIMIT_SECONDS} s, or the programs do not see it`
    : complaintOf(ran);
  return { id: null, why };
}
