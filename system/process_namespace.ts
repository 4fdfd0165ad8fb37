/**
 * In which process namespace this process is: numbers of processes mean nothing in another.
 *
 * @module
 */

/** include/linux/proc_ns.h: PROC_PID_INIT_INO. */
const FIRST = "pid:[4026531836]";

/**
 * The process namespace of this process, as the kernel names it; null where /proc is that of a namespace
 * in which this process is not.
 */
export async function processNamespace(): Promise<string | null> {
  return await Deno.readLink("/proc/self/ns/pid").catch(() => null);
}

/** Whether the numbers of /proc are those of the host's first namespace. */
export async function isFirstProcessNamespace(): Promise<boolean> {
  return await processNamespace() === FIRST;
}
