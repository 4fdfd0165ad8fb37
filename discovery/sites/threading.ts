/**
 * Whether a server processes packets on several threads. Kea keeps the mode in `isc::util::MultiThreadingMgr`,
 * and its code depends on it. The number of threads does not show it, because a single-threaded Kea 2.2.0
 * has five of them.
 *
 * @module
 */

import { dataReference, disassemble, type Instruction } from "../code/disassembly.ts";
import { boundsOf, exportedFunctions } from "../code/elf.ts";
import { factOf } from "../file_facts.ts";
import { loadBiasOf, ProcessMemory } from "../memory.ts";
import type { MappedFile, Program } from "../types.ts";

const INSTANCE = "_ZN3isc4util17MultiThreadingMgr8instanceEv";
const GET_MODE = "_ZNK3isc4util17MultiThreadingMgr7getModeEv";

/**
 * Reads the mode from the memory of a server, without stopping it. The address of the instance is decoded
 * from `instance()`, the offset of the mode from `getMode()`.
 *
 * @returns null when the code is not as expected, or the instance has not been created yet.
 * @throws {Deno.errors.NotFound} when the process is gone.
 */
export async function isMultiThreaded({ pid, libraries }: Program): Promise<boolean | null> {
  const found = await modeIn(libraries);
  if (pid === null || found === null) return null;
  const { library, places } = found;
  const bias = await loadBiasOf(pid, library);
  if (bias === null) return null;
  using memory = ProcessMemory.open(pid);
  const byteAt = (address: number) => memory.read(bias + address, 1)?.[0];
  if (byteAt(places.made) !== 1) return null;
  const mode = byteAt(places.mode);
  return mode === 0 || mode === 1 ? mode === 1 : null;
}

/** The library that keeps the mode, and where; null when its code is not as expected. */
export async function modeIn(
  libraries: readonly MappedFile[],
): Promise<{ readonly library: MappedFile; readonly places: ModePlaces } | null> {
  const library = libraries.find(({ path }) => /\/libkea-util\.so/.test(path));
  if (library === undefined) return null;
  const places = await factOf("mode of threading", library, async ({ pinnedPath }) => {
    const symbols = await exportedFunctions(pinnedPath);
    const codeOf = async (name: string) => {
      const bounds = boundsOf(symbols, name);
      return bounds === undefined ? [] : await disassemble(pinnedPath, bounds);
    };
    return modePlaces(await codeOf(INSTANCE), await codeOf(GET_MODE));
  });
  return places === null ? null : { library, places };
}

/** ELF virtual addresses. */
export interface ModePlaces {
  /** Of the byte that shows that the instance has been created. */
  readonly made: number;
  readonly mode: number;
}

/**
 * The address of the mode, and of the byte that shows that the instance has been created.
 *
 * @param instance code of `instance()`: tests the guard byte, then returns the instance's address.
 * @param getMode code of `getMode()`: `movzbl OFFSET(%rdi),%eax; ret`.
 */
export function modePlaces(
  instance: readonly Instruction[],
  getMode: readonly Instruction[],
): ModePlaces | null {
  const guard = instance.find(({ text }) => /^movzbl 0x[0-9a-f]+\(%rip\),/.test(text));
  const made = guard === undefined ? null : dataReference(guard);
  const object = instance.map((instruction) =>
    instruction.text.startsWith("lea ") ? dataReference(instruction) : null
  ).find((address) => address !== null && address !== made);
  const body = getMode.filter(({ text }) => !text.startsWith("endbr64"));
  const offset = /^movzbl (0x[0-9a-f]+)\(%rdi\),%eax/.exec(body[0]?.text ?? "")?.[1];
  if (made === null || object === undefined || object === null || offset === undefined) return null;
  return body[1]?.text.startsWith("ret") ? { made, mode: object + Number(offset) } : null;
}
