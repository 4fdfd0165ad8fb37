/**
 * The targets of a program's switches. Compilers make a switch an indirect jump through a table of 32-bit
 * offsets from the table itself, or of addresses if those are fixed:
 *
 *     lea    TABLE(%rip),%r12          anywhere before, often far
 *     movslq (%r12,%rax,4),%rax        without optimization: mov (%rdx,%rax,1),%eax and cltq
 *     add    %r12,%rax
 *     jmp    *%rax
 *
 *     jmp    *TABLE(,%rax,8)           in place of this: mov TABLE(,%rax,8),%rax and jmp *%rax
 *
 * @module
 */

import { dataReference, type Instruction, isIndirectJump } from "./disassembly.ts";
import { type Bounds, type Data, dataAt } from "./elf.ts";
import type { FunctionBounds } from "./frames.ts";

/** How far before a jump its offset is loaded, in instructions. */
const REACH = 12;

/** No switch of a real program has more cases. */
const LONGEST_TABLE = 1024;

/** No function of a real program is longer, in bytes. */
const LONGEST_FUNCTION = 0x100000;

/** The switches of some code. */
export interface Switches {
  readonly branchTargets: ReadonlySet<number>;
  /** Jumps whose table was not found. */
  readonly unresolved: readonly Instruction[];
}

/** Addresses at which tables may begin, and what their entries are. */
interface Tables {
  readonly at: readonly number[];
  readonly of: "offsets" | "addresses";
}

/**
 * Finds the targets of switches. If several table addresses are loaded into the right register within the
 * function, all tables count. Each is read until an entry leads far away. So it may find too many targets,
 * never too few. A jump of another shape may lead anywhere in its function, unless the function has no frame
 * there: then it is a tail call, and no call of the function is in progress at its target.
 */
export function switches(
  instructions: readonly Instruction[],
  functions: readonly FunctionBounds[],
  data: readonly Data[],
): Switches {
  const branchTargets = new Set<number>();
  const unresolved: Instruction[] = [];
  instructions.forEach((jump, index) => {
    // A jump through a slot that the linker fills leads to another function.
    if (!isIndirectJump(jump) || jump.text.includes("(%rip)")) return;
    const isWithin = ({ start, end }: Bounds) => jump.address >= start && jump.address < end;
    const bounds = functions.find(isWithin);
    if (bounds === undefined || bounds.frameless.some(isWithin)) return;
    const tables = tablesOf(instructions, index, bounds);
    let cases = 0;
    for (const table of tables.at) {
      for (const target of entries(table, tables.of, data, jump.address)) {
        branchTargets.add(target);
        cases++;
      }
    }
    if (cases === 0) unresolved.push(jump);
  });
  return { branchTargets, unresolved };
}

/** The tables of a jump; none if its shape is unknown. */
function tablesOf(instructions: readonly Instruction[], index: number, bounds: Bounds): Tables {
  const absolute = /^(?:bnd |notrack )*(?:jmp +\*|mov +)0x([0-9a-f]+)\(,%\w+,8\)/;
  for (let back = index; back >= Math.max(0, index - REACH); back--) {
    const { text } = instructions[back]!;
    // objdump prints a displacement of 0 with r13 and rbp, which have no shorter form.
    const [, register] = /^movslq (?:0x0)?\(%(\w+),%\w+,4\),%/.exec(text) ?? [];
    if (register !== undefined) {
      return { at: loaded(instructions, index, bounds, [register]), of: "offsets" };
    }
    const [, one, other] = /^mov +\(%(\w+),%(\w+),1\),%e/.exec(text) ?? [];
    if (one !== undefined && instructions[back + 1]!.text.startsWith("cltq")) {
      return { at: loaded(instructions, index, bounds, [one, other!]), of: "offsets" };
    }
    const [, table] = absolute.exec(text) ?? [];
    if (table !== undefined) return { at: [parseInt(table, 16)], of: "addresses" };
  }
  return { at: [], of: "offsets" };
}

/** All addresses that a function loads into some registers. */
function loaded(
  instructions: readonly Instruction[],
  index: number,
  { start, end }: Bounds,
  registers: readonly string[],
): number[] {
  const found: number[] = [];
  const look = (instruction: Instruction) => {
    const address = dataReference(instruction);
    const isRight = registers.some((name) => instruction.text.includes(`(%rip),%${name} `));
    if (address !== null && isRight) found.push(address);
  };
  for (let i = index; i >= 0 && instructions[i]!.address >= start; i--) look(instructions[i]!);
  for (let i = index + 1; i < instructions.length && instructions[i]!.address < end; i++) {
    look(instructions[i]!);
  }
  return found;
}

function* entries(
  table: number,
  of: Tables["of"],
  data: readonly Data[],
  jump: number,
): Generator<number> {
  const bytes = dataAt(data, table);
  if (bytes === undefined) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = of === "offsets" ? 4 : 8;
  for (let entry = 0; entry < LONGEST_TABLE && (entry + 1) * size <= bytes.length; entry++) {
    const target = of === "offsets"
      ? table + view.getInt32(entry * size, true)
      : Number(view.getBigUint64(entry * size, true));
    if (Math.abs(target - jump) > LONGEST_FUNCTION) return;
    yield target;
  }
}
