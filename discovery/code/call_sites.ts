/**
 * Finds and verifies call sites: where code calls a function through the PLT, and where it continues
 * afterwards. Pure: decoded instructions in, sites or reasons out.
 *
 * Landing pads of exceptions are not branch targets in this sense: the unwinder enters them with the
 * exception in a register, so compilers never let normal control flow run into one.
 *
 * @module
 */

import {
  branchTarget,
  endsBlock,
  type Instruction,
  instructionClass,
  isCall,
  isIndirectJump,
} from "./disassembly.ts";
import { type Bounds, type Data } from "./elf.ts";
import type { FunctionBounds } from "./frames.ts";
import { switches } from "./jump_tables.ts";

/** The code of one file, indexed. */
export interface DecodedCode {
  readonly instructions: readonly Instruction[];
  /** Position of each instruction by its address. */
  readonly positions: ReadonlyMap<number, number>;
  /** Symbol by the address of the PLT entry that leads to it. */
  readonly imports: ReadonlyMap<number, string>;
  /** Symbol by the address of the GOT slot that the linker fills with it. */
  readonly slots: ReadonlyMap<number, string>;
  /** The targets of all jumps: direct ones, and the tables of switches. */
  readonly branchTargets: ReadonlySet<number>;
  /** Switches whose table was not found: their target may be anywhere in their function. */
  readonly unresolved: readonly Instruction[];
  /** Ascending. */
  readonly functions: readonly FunctionBounds[];
}

/** A call, and the instruction at which the call has returned. */
export interface CallSite {
  readonly call: Instruction;
  readonly end: Instruction;
  readonly function: Bounds;
  /** Symbol that the call leads to, by relocation. */
  readonly target: string;
}

/** A call whose end could not be verified, and why. */
export interface RefusedCall {
  readonly call: Instruction;
  readonly why: string;
}

/** How far after a call its end may be, in instructions. */
const REACH = 8;

/**
 * Indexes decoded code.
 *
 * @param instructions all code of a file, or the parts of it that matter, ascending.
 * @param slots symbols by GOT slot, from the file's relocations.
 * @param data of the file, with its jump tables.
 * @param targetsElsewhere where jumps lead from code that is not among the instructions.
 */
export function indexCode(
  instructions: readonly Instruction[],
  slots: ReadonlyMap<number, string>,
  functions: readonly FunctionBounds[],
  data: readonly Data[] = [],
  targetsElsewhere: Iterable<number> = [],
): DecodedCode {
  const positions = new Map(instructions.map(({ address }, index) => [address, index]));
  const { branchTargets: cases, unresolved } = switches(instructions, functions, data);
  const branchTargets = new Set<number>([...targetsElsewhere, ...cases]);
  const imports = new Map<number, string>();
  instructions.forEach((instruction, index) => {
    const target = isCall(instruction) ? null : branchTarget(instruction);
    if (target !== null) branchTargets.add(target);
    // A PLT entry: jmp *SLOT(%rip), after an endbr64 in builds with CET.
    const slot = /^(?:bnd )?jmp\s+\*0x[0-9a-f]+\(%rip\)\s+# ([0-9a-f]+)/.exec(instruction.text);
    const symbol = slot === null ? undefined : slots.get(parseInt(slot[1]!, 16));
    if (symbol === undefined) return;
    imports.set(instruction.address, symbol);
    const before = instructions[index - 1];
    if (before?.text.startsWith("endbr64")) imports.set(before.address, symbol);
  });
  return { instructions, positions, imports, slots, branchTargets, unresolved, functions };
}

/** The imported symbol that a call leads to: through the PLT, or through its slot (-fno-plt). */
export function calledSymbol(code: DecodedCode, call: Instruction): string | undefined {
  if (!isCall(call)) return undefined;
  const target = branchTarget(call);
  if (target !== null) return code.imports.get(target);
  const slot = /^call +\*0x[0-9a-f]+\(%rip\) +# ([0-9a-f]+)/.exec(call.text);
  return slot === null ? undefined : code.slots.get(parseInt(slot[1]!, 16));
}

/** What a call's end may be. */
export interface EndRule {
  /**
   * Whether a branch may lead to the end, too, as one around the call. An end without a start means that there was no
   * call.
   */
  readonly maySkip?: boolean;
}

/** Every call of a symbol, with its end if that can be verified. */
export function callsOf(
  code: DecodedCode,
  symbol: string,
  rule: EndRule = {},
): (CallSite | RefusedCall)[] {
  return code.instructions.filter((call) => calledSymbol(code, call) === symbol)
    .map(({ address }) => proveCall(code, address, symbol, rule));
}

/** The calls of a symbol in a function, as {@linkcode callsOf}. */
export function callsWithin(
  code: DecodedCode,
  symbol: string,
  { start, end }: Bounds,
  rule: EndRule = {},
): (CallSite | RefusedCall)[] {
  return callsOf(code, symbol, rule).filter(({ call: { address } }) =>
    address >= start && address < end
  );
}

/** Tail jumps to a symbol: calls after which control does not return to the function. */
export function tailJumpsTo(
  code: DecodedCode,
  symbol: string,
  { start, end }: Bounds,
): Instruction[] {
  return code.instructions.filter((instruction) => {
    if (instruction.address < start || instruction.address >= end) return false;
    if (isCall(instruction)) return false;
    // A jump through the symbol's slot is among the PLT's own jumps.
    return code.imports.get(branchTarget(instruction) ?? instruction.address) === symbol;
  });
}

/**
 * Verifies one call site: an instruction begins at the address, it is a call, its target resolves to
 * the symbol, and only the call leads to the first emulated instruction after it, or as the rule says.
 */
export function proveCall(
  code: DecodedCode,
  address: number,
  symbol: string,
  rule: EndRule = {},
): CallSite | RefusedCall {
  const start = proveStart(code, address, symbol);
  return "why" in start ? start : proveEnd(code, start, rule);
}

/** Verifies that there is a call of a symbol at an address, whatever follows it. */
export function proveStart(
  code: DecodedCode,
  address: number,
  symbol: string,
): Omit<CallSite, "end"> | RefusedCall {
  const nowhere: Instruction = { address, bytes: "", text: "" };
  const position = code.positions.get(address);
  if (position === undefined) {
    return { call: nowhere, why: `no instruction begins at 0x${address.toString(16)}` };
  }
  const call = code.instructions[position]!;
  const refuse = (why: string): RefusedCall => ({ call, why });
  const hex = `0x${address.toString(16)}`;
  if (!isCall(call)) return refuse(`the instruction at ${hex} is not a direct call: ${call.text}`);
  const target = calledSymbol(code, call);
  if (target !== symbol) {
    return refuse(
      `the call at ${hex} leads to ${target ?? "no imported symbol"}, not to ${symbol}`,
    );
  }
  const bounds = code.functions.find(({ start, end }) => address >= start && address < end);
  if (bounds === undefined) return refuse(`no function is known to hold ${hex}`);
  const decoded = decodesFrom(code, bounds.start, position);
  if (!decoded) return refuse(`decoding from the function's start does not meet ${hex}`);
  return { call, function: bounds, target: symbol };
}

function proveEnd(
  code: DecodedCode,
  start: Omit<CallSite, "end">,
  { maySkip = false }: EndRule,
): CallSite | RefusedCall {
  const { call, function: bounds } = start;
  const refuse = (why: string): RefusedCall => ({ call, why });
  const position = code.positions.get(call.address)!;
  const unknown = code.unresolved.find(({ address }) =>
    address >= bounds.start && address < bounds.end
  );
  if (unknown !== undefined) {
    return refuse(`the target of the jump at 0x${unknown.address.toString(16)} is unknown`);
  }
  for (let next = position + 1; next <= position + REACH; next++) {
    const instruction = code.instructions[next];
    if (instruction === undefined || instruction.address >= bounds.end) break;
    if (!maySkip && code.branchTargets.has(instruction.address)) {
      return refuse(
        `a branch lands at 0x${instruction.address.toString(16)}, between the call and its end`,
      );
    }
    if (instructionClass(instruction) === "emulated") {
      return { ...start, end: instruction };
    }
    if (endsBlock(instruction) || isIndirectJump(instruction)) break;
  }
  return refuse(
    `no emulated instruction follows the call at 0x${
      call.address.toString(16)
    } before control leaves`,
  );
}

/** Whether the instructions from a function's start to a position join without a gap. */
function decodesFrom(
  { instructions, positions }: DecodedCode,
  start: number,
  position: number,
): boolean {
  const first = positions.get(start);
  if (first === undefined) return false;
  for (let index = first; index < position; index++) {
    const { address, bytes, text } = instructions[index]!;
    if (text.startsWith("(bad)")) return false;
    if (address + bytes.length / 2 !== instructions[index + 1]!.address) return false;
  }
  return true;
}
