/**
 * What a run needs from the host, each with the command that fixes it.
 *
 * @module
 */

/** The host lacks a requirement of every run. */
export class RequirementError extends Error {
  override name = "RequirementError";
}

/** A check before a run. */
interface Requirement {
  /** What was found instead, and what to do; null if it is met. */
  readonly lack: () => Promise<string | null>;
}

const exists = async (path: string) => {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
};

const REQUIREMENTS: readonly Requirement[] = [
  {
    lack: () =>
      Promise.resolve(
        Deno.uid() === 0
          ? null
          : `Cannot attach probes as user ${Deno.uid()}, expected root: run it with sudo`,
      ),
  },
  {
    lack: async () =>
      await exists("/sys/kernel/tracing/events") || await exists("/sys/kernel/debug/tracing/events")
        ? null
        : "Cannot attach probes, tracefs is not mounted: mount -t tracefs tracefs /sys/kernel/tracing",
  },
  {
    lack: async () =>
      await exists("/sys/kernel/tracing/events/syscalls/sys_enter_read") ||
        await exists("/sys/kernel/debug/tracing/events/syscalls/sys_enter_read")
        ? null
        : "Cannot time packets, this kernel has no system-call tracepoints: " +
          "run one built with CONFIG_FTRACE_SYSCALLS=y, as distributions' are",
  },
  {
    lack: async () =>
      await exists("/sys/kernel/btf/vmlinux")
        ? null
        : "Cannot load the programs, this kernel has no type information (BTF): " +
          "run one built with CONFIG_DEBUG_INFO_BTF=y, as distributions' are",
  },
];

/**
 * Checks the host.
 *
 * @throws {RequirementError} with the first thing that is missing and its remedy.
 */
export async function requireHost(): Promise<void> {
  for (const { lack } of REQUIREMENTS) {
    const words = await lack();
    if (words !== null) throw new RequirementError(words);
  }
}
