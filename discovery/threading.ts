/**
 * Whether a server processes packets on several threads. Kea keeps it in
 * `isc::util::MultiThreadingMgr`, and its code goes other ways by it; the number of threads does
 * not tell, because a single-threaded Kea 2.2.0 has five of them.
 *
 * @module
 */

import { dataReference, disassemble, type Instruction } from "./disassembly.ts";
import { exportedFunctions, type Symbol } from "./elf.ts";
import type { MappedFile, Program } from "./types.ts";

const INSTANCE = "_ZN3isc4util17MultiThreadingMgr8instanceEv";
const GET_MODE = "_ZNK3isc4util17MultiThreadingMgr7getModeEv";

/**
 * Reads the mode from the memory of a server, which does not stop it: where the one instance
 * stands is decoded from `instance()`, where the mode stands in it from `getMode()`.
 *
 * @returns null when the code is not what is expected, or nothing has asked for the mode yet.
 * @throws {Deno.errors.NotFound} when the process is gone.
 */
export async function isMultiThreaded({ pid, libraries }: Program): Promise<boolean | null> {
  const library = libraries.find(({ path }) => /\/libkea-util\.so/.test(path));
  if (pid === null || library === undefined) return null;
  const symbols = await exportedFunctions(library.pinnedPath);
  const codeOf = async (wanted: string) => {
    const symbol: Symbol | undefined = symbols.find(({ name }) => name === wanted);
    return symbol === undefined ? [] : await disassemble(library.pinnedPath, {
      start: symbol.address,
      end: symbol.address + symbol.size,
    });
  };
  const places = modePlaces(await codeOf(INSTANCE), await codeOf(GET_MODE));
  if (places === null) return null;
  const base = await baseOf(pid, library);
  if (base === null) return null;
  using memory = await Deno.open(`/proc/${pid}/mem`);
  const byteAt = async (address: number) => {
    await memory.seek(base + address, Deno.SeekMode.Start);
    const byte = new Uint8Array(1);
    return await memory.read(byte) === 1 ? byte[0]! : null;
  };
  if (await byteAt(places.made) !== 1) return null;
  const mode = await byteAt(places.mode);
  return mode === 0 || mode === 1 ? mode === 1 : null;
}

/**
 * Where the mode stands, and the byte that tells that the instance has been made.
 *
 * @param instance code of `instance()`: tests the guard byte, then returns the instance's address.
 * @param getMode code of `getMode()`: `movzbl OFFSET(%rdi),%eax; ret`.
 */
export function modePlaces(
  instance: readonly Instruction[],
  getMode: readonly Instruction[],
): { readonly made: number; readonly mode: number } | null {
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

/** Address at which a process maps the beginning of a library. */
async function baseOf(pid: number, { inode, device }: MappedFile): Promise<number | null> {
  for (const line of (await Deno.readTextFile(`/proc/${pid}/maps`)).split("\n")) {
    const [range, , offset, mappedDevice, mappedInode] = line.split(/\s+/);
    if (mappedDevice === device && mappedInode === String(inode) && Number(`0x${offset}`) === 0) {
      return parseInt(range!, 16);
    }
  }
  return null;
}
