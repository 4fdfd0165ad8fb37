/**
 * The process id that the programs compare with: the one of the host's first namespace, which is exact
 * wherever the monitor and the server run.
 *
 * What bpftrace's own `pid` means depends on its version and on where it runs: 0.17 gives the first
 * namespace's number, 0.23 and later that of bpftrace's own namespace, and 0 for a process of a deeper
 * one. In the first namespace they all are the numbers of /proc.
 *
 * @module
 */

import { DiscoveryError } from "../discovery/discovery_error.ts";
import type { Server } from "../discovery/types.ts";
import { parseStat } from "../system/proc.ts";
import { isFirstProcessNamespace } from "../system/namespaces.ts";
import { complaintOf, run, textOf } from "../system/run.ts";
import { type Bpftrace, BPFTRACE_ENVIRONMENT } from "./bpftrace.ts";

/** A server asks the clock or waits for packets at least once a second. */
const LIMIT_SECONDS = 5;

/**
 * Finds the process id that a server has on the host where /proc may show another: the kernel's own
 * task is recognized by its start and by two random addresses of its memory, when it makes a system call.
 *
 * @returns null where /proc's numbers are the host's own, so that `pid` and `tid` of any bpftrace are
 * exact.
 * @throws {DiscoveryError} when the server cannot be recognized.
 */
export async function hostProcessId(
  { pid }: Pick<Server, "pid">,
  bpftrace: Bpftrace,
): Promise<number | null> {
  if (await isFirstProcessNamespace()) return null;
  const refuse = (why: string) =>
    new DiscoveryError(
      `Cannot tell which process of the host process ${pid} is (${why}): ` +
        "run this on the host, or in a container with the host's process ids (--pid=host)",
    );
  const condition = await taskCondition(pid);
  if (condition === null) throw refuse("/proc does not show where its memory begins");
  const { id, why } = await firstCaller(bpftrace, condition);
  if (id === null) throw refuse(why);
  return id;
}

/** The condition by which the programs know the server's system calls. */
export function callsOf(pid: number, hostPid: number | null): string {
  return hostPid === null ? `pid == ${pid}` : `curtask->tgid == ${hostPid}`;
}

/**
 * Whether a program sees the system calls of a server, as those of the monitor would.
 *
 * @returns null when it does; else why not.
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

/** A condition that holds for the threads of one process alone; null where /proc does not show enough. */
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
