/**
 * Where the running kernel keeps what the programs read of its structures.
 *
 * bpftrace can find a member itself. But its version 0.17, Debian 12's, then has clang read all types that the structure
 * contains, and starts 0.8 s of CPU time later.
 *
 * @module
 */

import { KernelTypes } from "../system/kernel_types.ts";

/** The kernel's type information. */
export const KERNEL_TYPES = "/sys/kernel/btf/vmlinux";

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

/**
 * The offsets in the kernel that runs. Each is looked up when it is read: a program that is not used needs none.
 * Reading one throws a {@linkcode KernelTypesError} where the kernel does not have it.
 *
 * @throws {KernelTypesError} when the type information is damaged.
 */
export function kernelOffsets(): KernelOffsets {
  const types = new KernelTypes(Deno.readFileSync(KERNEL_TYPES));
  return Object.fromEntries(
    Object.entries(MEMBERS).map(([structure, members]) => {
      const getters = members.map((member) => [
        member,
        { enumerable: true, get: () => types.offsetOf(structure, member) },
      ]);
      return [structure, Object.defineProperties({}, Object.fromEntries(getters))];
    }),
  ) as KernelOffsets;
}
