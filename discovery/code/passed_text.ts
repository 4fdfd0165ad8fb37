/**
 * The text that a call passes: a `std::string` that the code builds right before the call.
 *
 *     lea  TEXT(%rip),%rsi           or by its end: lea END(%rip),%rdx; lea -0x12(%rdx),%rsi
 *     movdqa TEXT(%rip),%xmm0; movups %xmm0,(%rax); movb $0x70,0x10(%rax)
 *     movabs $0x7075642d34746b70,%rax; mov %rax,0x20(%rsp); movl $0x6574616369,0x28(%rsp)
 *
 * @module
 */

import { calledSymbol, type DecodedCode } from "./call_sites.ts";
import type { Instruction } from "./disassembly.ts";
import { type Data, dataAt } from "./elf.ts";

/** The type of the text, as mangled names have it. */
export const STRING = "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE";

/** How far before a call its text is built, in instructions. */
export const REACH = 40;

/** No text that matters is longer. */
const LONGEST = 64;

/** The known contents of a register: an address, or bytes. */
type Value = { readonly address: number } | { readonly bytes: Uint8Array };

/**
 * Reads the text that a call passes.
 *
 * @param pattern of the texts that are sought, from the beginning of a text; the last one counts.
 * @param made texts that functions make, by their symbols.
 * @returns null if it is not clear. A compiler may keep the last byte elsewhere.
 */
export function passedText(
  code: DecodedCode,
  data: readonly Data[],
  call: Instruction,
  pattern: RegExp,
  made: Readonly<Record<string, string>> = {},
): string | null {
  const position = code.positions.get(call.address)!;
  const called = calledSymbol(code, call);
  const first = code.functions.find(({ start, end }) => call.address >= start && call.address < end)
    ?.start ?? 0;
  let from = position;
  for (let back = position - 1; back >= Math.max(0, position - REACH); back--) {
    const before = code.instructions[back]!;
    if (before.address < first || calledSymbol(code, before) === called) break;
    from = back;
  }
  const registers = new Map<string, Value>();
  /** What was written relative to each base register, by distance. */
  const written = new Map<string, Map<number, number>>();
  let passed: string | null = null;

  const found = (bytes: Uint8Array) => {
    const [text] = pattern.exec(new TextDecoder("latin1").decode(bytes)) ?? [];
    if (text !== undefined) passed = text;
  };
  const loaded = (register: string, value: Value) => {
    registers.set(register, value);
    written.delete(register);
    const bytes = "bytes" in value ? value.bytes : dataAt(data, value.address);
    if (bytes !== undefined) found(bytes.subarray(0, LONGEST));
  };
  const stored = (base: string, distance: number, bytes: Uint8Array) => {
    const behind = written.getOrInsertComputed(base, () => new Map<number, number>());
    bytes.forEach((byte, at) => behind.set(distance + at, byte));
    // From the start of the run of bytes that these belong to.
    let start = distance;
    while (behind.has(start - 1) && behind.get(start - 1) !== 0) start--;
    const run: number[] = [];
    for (let at = start; (behind.get(at) ?? 0) !== 0; at++) run.push(behind.get(at)!);
    found(Uint8Array.from(run));
  };

  for (const { text } of code.instructions.slice(from, position)) {
    const { operation, source, target, comment } = operands(text);
    if (operation === "call") {
      passed = made[code.imports.get(parseInt(source ?? "", 16)) ?? ""] ?? passed;
      for (const register of CLOBBERED) {
        registers.delete(register);
        written.delete(register);
      }
      continue;
    }
    if (target === undefined || source === undefined) continue;
    const into = place(target);
    const value = valueOf(operation, source, comment, registers, data);
    if (into === null) {
      const register = whole(target);
      if (value !== null) loaded(register, value);
      else if (!/^(?:test|cmp|ucomis)/.test(operation)) {
        registers.delete(register);
        written.delete(register);
      }
    } else if (value !== null && "bytes" in value && operation.startsWith("mov")) {
      const width = widthOf(operation, source);
      if (width > 0) stored(into.base, into.distance, value.bytes.subarray(0, width));
    }
  }
  return passed;
}

/** Registers that a function need not preserve (System V ABI). */
const CLOBBERED = ["a", "c", "d", "si", "di", "8", "9", "10", "11"];

/** The parts of an instruction as objdump prints it; the operand that is written is the last. */
function operands(text: string) {
  const [words, comment] = text.split("# ");
  const [, operation, all] = /^(\S+)\s*(.*?)\s*$/.exec(words!) ?? ["", "", ""];
  // A comma within parentheses does not separate operands.
  const [source, target] = all!.split(/,(?![^(]*\))/);
  // AVX has the same instructions with another first letter.
  return { operation: operation!.replace(/^vmov/, "mov"), source, target, comment };
}

/** Base and distance of an operand in memory; null for anything else. */
function place(operand: string): { readonly base: string; readonly distance: number } | null {
  const match = /^(-?0x[0-9a-f]+)?\(%(\w+)\)$/.exec(operand);
  if (match === null || match[2] === "rip") return null;
  return { base: whole(match[2]!), distance: signed(match[1] ?? "0x0") };
}

function signed(text: string): number {
  return text.startsWith("-") ? -Number(text.slice(1)) : Number(text);
}

/** One name for a register and its parts: "a" for %rax, %eax, %ax, %al. */
function whole(register: string): string {
  const [, xmm] = /^%?(xmm\d+)$/.exec(register) ?? [];
  if (xmm !== undefined) return xmm;
  return register.replace(/^%?[re]?(\w+?)[dwbl]?$/, "$1").replace(/^([abcd])x$/, "$1");
}

/** The value that an instruction writes, if it is known. */
function valueOf(
  operation: string,
  source: string,
  comment: string | undefined,
  registers: ReadonlyMap<string, Value>,
  data: readonly Data[],
): Value | null {
  if (!/^(?:mov|lea)/.test(operation)) return null;
  const address = comment === undefined ? NaN : parseInt(comment, 16);
  if (operation === "lea") {
    if (source.includes("(%rip)")) return Number.isNaN(address) ? null : { address };
    const from = place(source);
    const known = from === null ? undefined : registers.get(from.base);
    return known !== undefined && "address" in known
      ? { address: known.address + from!.distance }
      : null;
  }
  if (source.startsWith("$")) {
    const number = BigInt.asUintN(64, BigInt(source.slice(1)));
    // Without PIE it may be the address of the name.
    if (dataAt(data, Number(number)) !== undefined && operation === "mov") {
      return { address: Number(number) };
    }
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, number, true);
    return { bytes };
  }
  if (source.includes("(%rip)") && /^mov(?:dq[au]|[au]p[sd]|q)$/.test(operation)) {
    const bytes = dataAt(data, address)?.subarray(0, operation === "movq" ? 8 : 16);
    return bytes === undefined ? null : { bytes };
  }
  return source.startsWith("%") ? registers.get(whole(source)) ?? null : null;
}

/** How many bytes a move writes to memory; 0 if unknown. */
function widthOf(operation: string, source: string): number {
  if (/^mov(?:dq[au]|[au]p[sd])$/.test(operation)) return 16;
  const suffix = /^mov([bwlq])$/.exec(operation)?.[1];
  if (suffix !== undefined) return { b: 1, w: 2, l: 4, q: 8 }[suffix]!;
  if (/^%r(?:\d+|[a-ds][a-z])$/.test(source)) return 8;
  if (/^%(?:e\w\w|r\d+d)$/.test(source)) return 4;
  if (/^%(?:[a-ds][xip]|r\d+w)$/.test(source)) return 2;
  return /^%(?:[abcd]l|r\d+b|[sd]il)$/.test(source) ? 1 : 0;
}
