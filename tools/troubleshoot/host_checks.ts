/**
 * Whether this host allows monitoring: rights, kernel, bpftrace, and a probe that really fires.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { BPFTRACE_ENVIRONMENT, findBpftrace } from "../../probes/bpftrace.ts";
import { KERNEL_TYPES, kernelOffsets } from "../../probes/kernel_offsets.ts";
import { complaintIn } from "../../probes/probe_run.ts";
import { KernelTypesError } from "../../system/kernel_types.ts";
import {
  type Check,
  type CheckResult,
  type Facts,
  notKnown,
  ok,
  outputHere,
  problem,
  skipped,
  textOf,
} from "./check.ts";

/** Bits of /proc/PID/status CapEff, include/uapi/linux/capability.h. */
const CAPABILITIES = { CAP_SYS_PTRACE: 19, CAP_SYS_ADMIN: 21 } as const;

/** The arguments of a system call. */
const ARGUMENTS = "/sys/kernel/tracing/events/syscalls/sys_enter_read/format";

/** What the monitor needs, in the order in which it needs it. */
export const HOST_CHECKS: readonly Check[] = [
  {
    name: "root",
    look: () =>
      Deno.uid() === 0 ? ok("this runs as root") : problem(
        `this runs as user ${Deno.uid()}`,
        "probes need root, and so do most of the checks below",
        "sudo ./denow task troubleshoot",
      ),
  },
  {
    name: "capabilities",
    look: async (facts) => {
      const status = await Deno.readTextFile("/proc/self/status");
      const bits = BigInt(`0x${/^CapEff:\s+(\w+)/m.exec(status)![1]}`);
      const lacking = Object.entries(CAPABILITIES)
        .filter(([, bit]) => (bits >> BigInt(bit) & 1n) === 0n).map(([name]) => name);
      if (Deno.uid() !== 0) return skipped("root has them");
      if (lacking.length === 0) return ok("all that are needed");
      facts.canLook = false;
      return problem(
        `${lacking.join(", ")} ${lacking.length === 1 ? "is" : "are"} missing`,
        "this root user is restricted, as in a container: the kernel denies it probes",
        "run it on the host, or start the container with --privileged --pid=host",
      );
    },
  },
  {
    name: "kernel",
    look: async () => {
      const release = (await Deno.readTextFile("/proc/sys/kernel/osrelease")).trim();
      const [major, minor] = release.split(".").map(Number) as [number, number];
      if (major > 5 || (major === 5 && minor >= 4)) return ok(`Linux ${release}`);
      return problem(
        `Linux ${release}`,
        "the programs need 5.4 or later",
        "run a newer kernel of your distribution",
      );
    },
  },
  {
    name: "kernel types (BTF)",
    look: () => {
      try {
        // What the programs of every profile read.
        structuredClone(kernelOffsets().task_struct);
        return ok(KERNEL_TYPES);
      } catch (error) {
        if (!(error instanceof KernelTypesError || error instanceof Deno.errors.NotFound)) {
          throw error;
        }
        return problem(
          error instanceof KernelTypesError ? error.message : `${KERNEL_TYPES} is not there`,
          "the programs do not know the kernel's structures",
          "run a kernel built with CONFIG_DEBUG_INFO_BTF=y, as distributions' are",
        );
      }
    },
  },
  {
    name: "tracefs",
    look: async () => {
      if (Deno.uid() !== 0) return skipped("only root can check this");
      if (await textOf(ARGUMENTS) !== null) return ok("system calls can be traced");
      const mounts = await Deno.readTextFile("/proc/self/mounts");
      return problem(
        "/sys/kernel/tracing has no system calls",
        mounts.includes(" tracefs ")
          ? "this kernel has no system-call tracepoints"
          : "it is not mounted",
        mounts.includes(" tracefs ")
          ? "run a kernel built with CONFIG_FTRACE_SYSCALLS=y"
          : "mount -t tracefs tracefs /sys/kernel/tracing",
      );
    },
  },
  {
    name: "lockdown",
    look: async () => {
      const mode = /\[(\w+)\]/.exec(await textOf("/sys/kernel/security/lockdown") ?? "")?.[1];
      if (mode !== "confidentiality") return ok(mode === undefined ? "none" : mode);
      return problem(
        "the kernel is locked down for confidentiality",
        "BPF programs cannot read memory",
        "boot without lockdown=confidentiality",
      );
    },
  },
  {
    name: "bpftrace",
    look: async () => {
      try {
        return ok((await findBpftrace()).version);
      } catch (error) {
        const [what, remedy] = (error as Error).message.split(": ");
        return problem(
          what!,
          "nothing can be watched without it",
          remedy ?? "apt-get install bpftrace",
        );
      }
    },
  },
  { name: "a probe fires", look: selfTest },
];

/** Never fires: bpftrace must understand the kernel's types and arguments, as for our programs. */
const NEVER =
  "tracepoint:syscalls:sys_enter_read /curtask->tgid == 0 && args->count == 0/ { @never = 1; }";

/** Attaches a uprobe to a test program with its own copy of libc, and counts. */
async function selfTest({ canLook }: Facts): Promise<CheckResult> {
  if (!canLook) return skipped("this process may not attach any");
  if (await outputHere("bpftrace", "--version").catch(() => null) === null) {
    return skipped("there is no bpftrace");
  }
  const folder = await Deno.makeTempDir({ prefix: "kea-self-test-" });
  try {
    const libraries = (await outputHere("ldd", "/usr/bin/env"))?.stdout ?? "";
    const libc = /=> (\/\S+libc\.so\S*)/.exec(libraries)?.[1];
    if (libc === undefined) return notKnown("libc was not found", "the test could not be made");
    const copy = join(folder, basename(libc));
    await Deno.copyFile(libc, copy);
    const isKnown = [KERNEL_TYPES, ARGUMENTS].every((path) => existsSync(path));
    const run = await outputHere(
      ...["env", ...Object.entries(BPFTRACE_ENVIRONMENT).map((each) => each.join("="))] as const,
      ...["timeout", "-s", "INT", "20", "bpftrace", "-f", "json"],
      ...["-c", `/usr/bin/env LD_LIBRARY_PATH=${folder} /usr/bin/env /bin/true`],
      ...["-e", `uprobe:${copy}:execve { @fired = count(); } ${isKnown ? NEVER : ""}`],
    );
    const fired = /"@fired": (\d+)/.exec(run?.stdout ?? "")?.[1];
    if (fired === "1") return ok("a uprobe attached, fired once for one call, and is gone");
    const complaint = complaintIn(run?.stderr.split("\n") ?? []);
    return problem(
      `a uprobe on a test program fired ${fired ?? "no"} times for one call`,
      `probes do not work with this kernel or bpftrace: ${complaint || "it printed nothing"}`,
      "run bpftrace -e 'BEGIN { exit() }' by hand; look for a security module or a restricted container",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
