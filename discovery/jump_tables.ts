/**
 * Where the switches of a program can lead. Compilers make of a switch an indirect jump through a
 * table of 32-bit offsets from the table itself:
 *
 *     lea    TABLE(%rip),%r12          anywhere before, often far
 *     movslq (%r12,%rax,4),%rax
 *     add    %r12,%rax
 *     jmp    *%rax
 *
 * @module
 */

import { dataReference, type Instruction, isIndirectJump } from "./disassembly.ts";
import { type Bounds, type Data, dataAt } from "./elf.ts";

/** How far before a jump its offset is loaded, in instructions. */
const REACH = 12;

/** No switch of a real program has more cases. */
const LONGEST_TABLE = 1024;

/** No function of a real program is longer, in bytes. */
const LONGEST_FUNCTION = 0x100000;

/** What the switches of some code do. */
export interface Switches {
  readonly landings: ReadonlySet<number>;
  /** Jumps whose table was not found. */
  readonly unresolved: readonly Instruction[];
}

/**
 * Finds where switches lead. Of several tables whose address is loaded into the right register
 * within the function all are taken, and each is read on until an offset leads far away, so that
 * it may find too many places, never too few. An indirect jump that loads no offset is a tail call
 * and leaves the function.
 */
export function switches(
  instructions: readonly Instruction[],
  functions: readonly Bounds[],
  data: readonly Data[],
): Switches {
  const landings = new Set<number>();
  const unresolved: Instruction[] = [];
  instructions.forEach((jump, index) => {
    if (!isIndirectJump(jump)) return;
    const base = tableRegister(instructions, index);
    if (base === null) return;
    const bounds = functions.find(({ start, end }) => jump.address >= start && jump.address < end);
    const tables = bounds === undefined ? [] : loaded(instructions, index, bounds, base);
    let cases = 0;
    for (const table of tables) {
      for (const target of entries(table, data, jump.address)) {
        landings.add(target);
        cases++;
      }
    }
    if (cases === 0) unresolved.push(jump);
  });
  return { landings, unresolved };
}

/** The register that holds the address of a jump's table; null when the jump is no switch. */
function tableRegister(instructions: readonly Instruction[], index: number): string | null {
  for (let back = index - 1; back >= Math.max(0, index - REACH); back--) {
    const match = /^movslq \(%(\w+),%\w+,4\),%/.exec(instructions[back]!.text);
    if (match !== null) return match[1]!;
  }
  return null;
}

/** All addresses that a function loads into a register. */
function loaded(
  instructions: readonly Instruction[],
  index: number,
  { start, end }: Bounds,
  register: string,
): number[] {
  const found: number[] = [];
  const look = (instruction: Instruction) => {
    const address = dataReference(instruction);
    if (address !== null && instruction.text.includes(`(%rip),%${register} `)) found.push(address);
  };
  for (let i = index; i >= 0 && instructions[i]!.address >= start; i--) look(instructions[i]!);
  for (let i = index + 1; i < instructions.length && instructions[i]!.address < end; i++) {
    look(instructions[i]!);
  }
  return found;
}

function* entries(table: number, data: readonly Data[], jump: number): Generator<number> {
  const bytes = dataAt(data, table);
  if (bytes === undefined) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let entry = 0; entry < LONGEST_TABLE && (entry + 1) * 4 <= bytes.length; entry++) {
    const target = table + view.getInt32(entry * 4, true);
    if (Math.abs(target - jump) > LONGEST_FUNCTION) return;
    yield target;
  }
}
