/**
 * Instructions of an ELF file, as objdump decodes them, and how the kernel executes them under a uprobe.
 *
 * @module
 */

import { binutils } from "./elf.ts";

/** One decoded instruction. */
export interface Instruction {
  /** ELF virtual address. */
  readonly address: number;
  /** Its bytes in hexadecimal, without blanks. */
  readonly bytes: string;
  /** As objdump prints it: "call   306b0 <...>". */
  readonly text: string;
}

/**
 * Decodes a part of a file, or all of its code.
 *
 * @param range addresses [start, end).
 * @throws {ElfError} when objdump cannot read it.
 */
export async function disassemble(
  path: string,
  range?: { readonly start: number; readonly end: number },
): Promise<Instruction[]> {
  const bounds = range === undefined ? [] : [
    `--start-address=0x${range.start.toString(16)}`,
    `--stop-address=0x${range.end.toString(16)}`,
  ];
  return parseDisassembly(await binutils("objdump", ["-d", "-w", ...bounds, path]));
}

/** Parses what `objdump -d -w` prints. */
export function parseDisassembly(text: string): Instruction[] {
  const instructions: Instruction[] = [];
  for (const line of text.split("\n")) {
    // "   7927d:\te8 2e 74 fb ff       \tcall   306b0 <name@plt>"
    const colon = line.indexOf(":\t");
    if (colon < 0) continue;
    const tab = line.indexOf("\t", colon + 2);
    if (tab < 0) continue;
    instructions.push({
      address: parseInt(line.slice(0, colon), 16),
      bytes: line.slice(colon + 2, tab).replaceAll(" ", ""),
      text: line.slice(tab + 1),
    });
  }
  return instructions;
}

/** The target of a direct call or jump; null for anything else. */
export function branchTarget({ text }: Instruction): number | null {
  const match = /^(?:bnd |notrack )?(?:call|j[a-z]+|loop[a-z]*|xbegin)\s+([0-9a-f]+)\b/.exec(text);
  return match === null ? null : parseInt(match[1]!, 16);
}

/** Whether it is a call of one place: direct, or through a slot at a fixed distance (-fno-plt). */
export function isCall({ bytes }: Instruction): boolean {
  return /^(?:e8|ff15).{8}$/.test(bytes);
}

/** Whether it is a jump whose target is in a register or in memory. */
export function isIndirectJump({ text }: Instruction): boolean {
  return /^(?:bnd |notrack )*jmp\s+\*/.test(text);
}

/** Whether control never reaches the next instruction. */
export function endsBlock({ text }: Instruction): boolean {
  return /^(?:bnd |notrack |repz )*(?:jmp|ret|hlt|ud2)\b/.test(text);
}

/** How the kernel executes the displaced instruction of a uprobe: in place of it, or out of line. */
export type InstructionClass = "emulated" | "single-stepped";

/**
 * How the kernel executes an instruction under a uprobe on x86-64 (arch/x86/kernel/uprobes.c):
 * it emulates push of a register, one-byte nop, and direct relative call, jmp and conditional
 * jumps without a prefix; everything else it copies out and single-steps.
 */
export function instructionClass({ bytes }: Instruction): InstructionClass {
  const emulated = /^(?:5[0-7]|415[0-7]|90|eb..|e9.{8}|e8.{8}|7...|0f8..{8})$/.test(bytes);
  return emulated ? "emulated" : "single-stepped";
}

/** The address that an instruction computes relative to itself, as objdump shows it. */
export function dataReference({ text }: Instruction): number | null {
  const match = /\(%rip\),%\S+\s+# ([0-9a-f]+)/.exec(text);
  return match === null ? null : parseInt(match[1]!, 16);
}
