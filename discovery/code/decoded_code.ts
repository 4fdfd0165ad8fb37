/**
 * Decodes the code of mapped files: all of it, or the functions that matter.
 *
 * @module
 */

import { type DecodedCode, indexCode } from "./call_sites.ts";
import { branchTarget, disassemble, type Instruction } from "./disassembly.ts";
import { type Bounds, codeSections, type Data, ElfError, mappedData, relocations } from "./elf.ts";
import { functionBounds } from "./frames.ts";
import { madeOnce } from "./file_copies.ts";
import type { MappedFile } from "../types.ts";

/** The most code that is decoded, bytes: 24 times that of kea-dhcp4. Decoded, it takes 100 times as much. */
const CODE_LIMIT = 16 * 2 ** 20;

/**
 * Decodes a file, once for all who have its copy. objdump takes 0.25 s for kea-dhcp4 and 1.2 s for libkea-dhcpsrv.
 *
 * @throws {ElfError} when it cannot be read, or has too much code.
 */
export async function codeOf({ path: name, pinnedPath: path }: MappedFile): Promise<DecodedCode> {
  return await madeOnce(path, "code", async () => {
    const bytes = (await codeSections(path)).reduce((sum, { start, end }) => sum + end - start, 0);
    if (bytes > CODE_LIMIT) {
      throw new ElfError(
        `"${name}" has ${Math.ceil(bytes / 2 ** 20)} MB of code, ` +
          `at most ${CODE_LIMIT / 2 ** 20} MB are decoded`,
      );
    }
    const [instructions, slots, functions, data] = await Promise.all([
      disassemble(path),
      relocations(path),
      functionBounds(path),
      mappedData(path),
    ]);
    return indexCode(instructions, slots, functions, data);
  });
}

/**
 * Decodes the PLT of a file and some functions with their cold parts. This takes 0.1 s; the whole file takes
 * seconds. Jumps into them from anywhere else are found by their bytes.
 */
export async function codeOfFunctions(
  { pinnedPath: path }: MappedFile,
  chosen: readonly Bounds[],
): Promise<DecodedCode> {
  const [sections, slots, functions, data] = await Promise.all([
    codeSections(path),
    relocations(path),
    functionBounds(path),
    mappedData(path),
  ]);
  const holding = (address: number) =>
    functions.find(({ start, end }) => address >= start && address < end);
  const first = merged(chosen.map(({ start }) => neighbourhood(functions, holding(start))));
  const decoded = await decode(path, first);
  const outside = decoded.flatMap((instruction) => {
    const target = branchTarget(instruction);
    const part = target === null ? undefined : holding(target);
    return part === undefined || first.some(({ start, end }) => target! >= start && target! < end)
      ? []
      : [part];
  });
  const plt = sections.filter(({ name }) => name.startsWith(".plt"));
  const rest = await decode(path, merged([...plt, ...outside]));
  const instructions = [...decoded, ...rest].toSorted((a, b) => a.address - b.address);
  const code = data.filter(({ executable }) => executable);
  const branchTargets = code.flatMap((part) => chosen.flatMap((range) => jumpsInto(part, range)));
  return indexCode(instructions, slots, functions, data, branchTargets);
}

async function decode(path: string, ranges: readonly Bounds[]): Promise<Instruction[]> {
  return (await Promise.all(ranges.map((range) => disassemble(path, range)))).flat();
}

/** How far a jump with an 8-bit displacement reaches, its own length included, in bytes. */
const SHORT_REACH = 160;

/** From the previous function to the next one: every short jump into the function is in this range. */
function neighbourhood(functions: readonly Bounds[], chosen: Bounds | undefined): Bounds {
  if (chosen === undefined) return { start: 0, end: 0 };
  let { start, end } = chosen;
  for (const near of functions) {
    if (near.start < chosen.end + SHORT_REACH && near.end > chosen.start - SHORT_REACH) {
      start = Math.min(start, near.start);
      end = Math.max(end, near.end);
    }
  }
  return { start, end };
}

/** Joins ranges that overlap, so that nothing is decoded twice. */
function merged(ranges: readonly Bounds[]): Bounds[] {
  const joined: Bounds[] = [];
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (range.start >= range.end) continue;
    if (last !== undefined && range.start <= last.end) {
      joined[joined.length - 1] = { start: last.start, end: Math.max(last.end, range.end) };
    } else joined.push({ start: range.start, end: range.end });
  }
  return joined;
}

/**
 * Targets inside a range of jumps with a 32-bit displacement, for every byte at which such a jump could
 * begin: possibly too many, never too few.
 */
export function jumpsInto({ address, bytes }: Data, { start, end }: Bounds): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: number[] = [];
  for (let at = 1; at + 4 <= bytes.length; at++) {
    const before = bytes[at - 1]!;
    // jmp rel32 is e9; a conditional one is 0f 80 to 0f 8f.
    const jump = before === 0xe9 || ((before & 0xf0) === 0x80 && bytes[at - 2] === 0x0f);
    if (!jump) continue;
    const target = address + at + 4 + view.getInt32(at, true);
    if (target > start && target < end) found.push(target);
  }
  return found;
}
