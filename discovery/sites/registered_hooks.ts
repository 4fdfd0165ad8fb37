/**
 * The hook points that a file's code registers, and where it keeps their numbers: read from the file, while
 * `hookPointsOf()` needs a running server.
 *
 *     mov  TEXT,...; call HooksManager::registerHook; mov %eax,VARIABLE(%rip)
 *
 * @module
 */

import { calledSymbol, type DecodedCode } from "../code/call_sites.ts";
import { type Instruction, isCall } from "../code/disassembly.ts";
import type { Data } from "../code/elf.ts";
import { passedText, STRING } from "../code/passed_text.ts";

/** `isc::hooks::HooksManager::registerHook(std::string const&)` returns the number of a hook point. */
export const REGISTER_HOOK = `_ZN3isc5hooks12HooksManager12registerHookERK${STRING}`;

/** A hook point's name; commands, which hook libraries add, begin with a dollar. */
const NAME = /^[a-z][a-z0-9_]+/;

/** How far after the call its result is stored, in instructions. */
const REACH = 4;

/** A hook point that is registered. */
export interface RegisteredHook {
  /** Null if the code does not show it. */
  readonly name: string | null;
  /** Address of the variable with its number; null if the code does not show it. */
  readonly variable: number | null;
}

/** The hook points that a file registers, in the order of its code. */
export function registeredHooks(code: DecodedCode, data: readonly Data[]): RegisteredHook[] {
  return code.instructions.filter((call) => calledSymbol(code, call) === REGISTER_HOOK)
    .map((call) => ({
      name: passedText(code, data, call, NAME),
      variable: resultOf(code, call),
    }));
}

/** Where an int that a call returns is stored. */
function resultOf(code: DecodedCode, call: Instruction): number | null {
  const position = code.positions.get(call.address)!;
  for (const next of code.instructions.slice(position + 1, position + 1 + REACH)) {
    const stored = /^mov +%eax,0x[0-9a-f]+\(%rip\) +# ([0-9a-f]+)/.exec(next.text.trim());
    if (stored !== null) return parseInt(stored[1]!, 16);
    if (isCall(next)) break;
  }
  return null;
}
