/**
 * Where the running kernel keeps what the programs read of its structures.
 *
 * bpftrace can find a member itself. But its version 0.17, Debian 12's, then has clang read all types that the structure
 * contains, and starts 0.8 s of CPU time later.
 *
 * @module
 */

import { KernelTypes } from "../system/kernel_types.ts";

/** The members, by structure. */
const MEMBERS = {
  task_struct: ["stack", "real_parent", "tgid", "exit_code", "files"],
  files_struct: ["fdt"],
  fdtable: ["fd"],
  file: ["f_inode"],
  inode: ["i_mode"],
  sk_buff: ["sk"],
  sock_common: ["skc_family"],
  sock: ["sk_protocol"],
} as const;

/** Bytes from the beginning of a structure, by structure and member. */
export type KernelOffsets = {
  readonly [S in keyof typeof MEMBERS]: Readonly<Record<(typeof MEMBERS)[S][number], number>>;
};

/** Reads them from the type information of a kernel. @throws {KernelTypesError} */
export function kernelOffsets(types = runningKernel()): KernelOffsets {
  return Object.fromEntries(
    Object.entries(MEMBERS).map(([structure, members]) => [
      structure,
      Object.fromEntries(members.map((member) => [member, types.offsetOf(structure, member)])),
    ]),
  ) as KernelOffsets;
}

const runningKernel = () => new KernelTypes(Deno.readFileSync("/sys/kernel/btf/vmlinux"));
