/**
 * What a run needs from the host, each with the command that fixes it.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { KERNEL_TYPES } from "./kernel_offsets.ts";

/** The host lacks a requirement of every run. */
export class RequirementError extends Error {
  override name = "RequirementError";
}

/** Where tracefs is: its own place, or below debugfs on an older host. */
const TRACEFS = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/** Whether tracefs has a file or folder, as "events/sock/sock_recv_length". */
export const isTraced = (path: string) => TRACEFS.some((folder) => existsSync(`${folder}/${path}`));

/** What must hold before a run, and what to say where it does not. */
const REQUIREMENTS: readonly (readonly [holds: () => boolean, otherwise: string])[] = [
  [
    () => Deno.uid() === 0,
    `Cannot attach probes as user ${Deno.uid()}, expected root: run it with sudo`,
  ],
  [
    () => isTraced("events"),
    "Cannot attach probes, tracefs is not mounted: mount -t tracefs tracefs /sys/kernel/tracing",
  ],
  [
    () => isTraced("events/syscalls/sys_enter_read"),
    "Cannot time packets, this kernel has no system-call tracepoints: " +
    "run one built with CONFIG_FTRACE_SYSCALLS=y, as distributions' are",
  ],
  [
    () => existsSync(KERNEL_TYPES),
    "Cannot load the programs, this kernel has no type information (BTF): " +
    "run one built with CONFIG_DEBUG_INFO_BTF=y, as distributions' are",
  ],
];

/**
 * Checks the host.
 *
 * @throws {RequirementError} with the first thing that is missing and its remedy.
 */
export function requireHost(): void {
  const missing = REQUIREMENTS.find(([holds]) => !holds());
  if (missing !== undefined) throw new RequirementError(missing[1]);
}
