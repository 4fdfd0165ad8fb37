/**
 * Removes the samples, which no one reads, from the perf events of bpftrace's tracepoints.
 *
 * @module
 */

import { borrowDescriptor, type Borrowed } from "../system/libc.ts";

/** include/uapi/linux/perf_event.h: _IO('$', 1) and _IOWR('$', 10, struct perf_event_query_bpf *). */
const [PERF_EVENT_IOC_DISABLE, PERF_EVENT_IOC_QUERY_BPF] = [0x2401, 0xc008240a];

/**
 * Turns off the perf samples of a bpftrace's tracepoints. The programs continue.
 *
 * A program of bpftrace returns 1, "keep this event", even if its filter does not match. On CPU 0, where
 * bpftrace opened the event, the kernel then makes a sample each time, for a buffer that does not exist:
 * 0.2 us in a tight loop, more in a busy server, for every process of the host (`deno task bench:samples`). A
 * program runs whether the event is enabled or not.
 *
 * @returns how many events no longer make samples; 0 if the kernel does not allow it (Linux before
 * 5.6), and then looking costs that much more.
 */
export function stopSamples(bpftracePid: number): number {
  let stopped = 0;
  for (const event of tracepointEvents(bpftracePid)) {
    using stopping = event;
    if (stopping.control(PERF_EVENT_IOC_DISABLE)) stopped++;
  }
  return stopped;
}

/** The perf events of a process's tracepoints, each to be disposed; none when it is gone. */
export function* tracepointEvents(pid: number): Generator<Borrowed> {
  for (const fd of perfEvents(pid)) {
    const event = borrowDescriptor(pid, fd);
    if (event === null) continue;
    // Only tracepoints answer this: intervals and the buffer of its prints are perf events, too.
    if (event.control(PERF_EVENT_IOC_QUERY_BPF, new Uint32Array([0, 0]))) yield event;
    else event[Symbol.dispose]();
  }
}

function perfEvents(pid: number): number[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name)
      .filter((name) => linkOf(`${folder}/${name}`) === "anon_inode:[perf_event]").map(Number);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Empty if it was closed in between. */
function linkOf(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return "";
  }
}
