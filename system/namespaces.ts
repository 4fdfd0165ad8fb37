/**
 * The namespaces of processes: a process id is valid only in its process namespace.
 *
 * @module
 */

/** include/linux/proc_ns.h: PROC_PID_INIT_INO. */
const FIRST = "pid:[4026531836]";

/**
 * The process namespace of this process, as the kernel names it; null if /proc belongs to a namespace
 * that this process is not in.
 */
export async function processNamespace(): Promise<string | null> {
  return await Deno.readLink("/proc/self/ns/pid").catch(() => null);
}

/** Whether /proc has the process ids of the host's first namespace. */
export async function isFirstProcessNamespace(): Promise<boolean> {
  return await processNamespace() === FIRST;
}

/**
 * Whether another process is in the same namespace as this one.
 *
 * @throws {Deno.errors.NotFound} when there is no such process.
 */
export async function sharesNamespace(
  pid: number,
  kind: "mnt" | "net" | "pid" | "user",
): Promise<boolean> {
  const [theirs, ours] = await Promise.all(
    [pid, "self"].map((which) => Deno.readLink(`/proc/${which}/ns/${kind}`)),
  );
  return theirs === ours;
}
