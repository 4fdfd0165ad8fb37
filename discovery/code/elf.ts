/**
 * Contents of an ELF file, read with binutils: symbols, relocations, function bounds.
 *
 * @module
 */

import { readUpTo } from "../../system/file_bytes.ts";
import { ForeignFileError, openLinked } from "../../system/foreign_file.ts";
import { complaintOf, run, textOf } from "../../system/run.ts";
import { DiscoveryError } from "../discovery_error.ts";
import { FileCache } from "../file_cache.ts";
import { copyOf } from "./file_copies.ts";

/** A symbol that a file defines. */
export interface ElfSymbol {
  readonly name: string;
  readonly address: number;
  readonly size: number;
}

/** Part of a file that is mapped at an address. */
export interface LoadSegment {
  readonly offset: number;
  readonly address: number;
  readonly size: number;
  /** Whether it is executable. */
  readonly executable: boolean;
}

/** Part of a file by the address at which it is mapped. */
export interface Data {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** A section with code: [start, end). */
export interface CodeSection extends Bounds {
  readonly name: string;
}

/** Bounds of a function: [start, end). */
export interface Bounds {
  readonly start: number;
  readonly end: number;
}

/** A file that is not ELF, or cannot be read. */
export class ElfError extends DiscoveryError {
  override name = "ElfError";
}

/** Functions that a file exports, from its dynamic symbol table. */
export async function exportedFunctions(path: string): Promise<ElfSymbol[]> {
  // Not sorted by nm: comparing the names of a hostile file may take it a minute.
  const symbols = parseExports(await binutils("nm", ["-D", "-p", "--defined-only", "-S", path]));
  return symbols.toSorted((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

/** Bounds of the function with a name; undefined if there is none. */
export function boundsOf(symbols: readonly ElfSymbol[], name: string): Bounds | undefined {
  const symbol = symbols.find((candidate) => candidate.name === name);
  return symbol && { start: symbol.address, end: symbol.address + symbol.size };
}

/** Parses `nm -D --defined-only -S`: only functions. */
export function parseExports(text: string): ElfSymbol[] {
  const symbols: ElfSymbol[] = [];
  for (const line of text.split("\n")) {
    const match = /^([0-9a-f]+) ([0-9a-f]+) [TtWwi] (\S+?)(?:@.*)?$/.exec(line);
    if (match === null) continue;
    symbols.push({
      address: parseInt(match[1]!, 16),
      size: parseInt(match[2]!, 16),
      name: match[3]!,
    });
  }
  return symbols;
}

/** Everything with a name and a size in a file, from both of its symbol tables. */
export async function symbolRanges(path: string): Promise<ElfSymbol[]> {
  return parseSymbolRanges(await binutils("readelf", ["-sW", path]));
}

/** Parses `readelf -sW`: what is defined in the file, once for each table and name. */
export function parseSymbolRanges(text: string): ElfSymbol[] {
  // "    12: 0000000000032a60    48 FUNC    WEAK   DEFAULT   15 _ZN...@VERSION"; a size from 100,000 on
  // is hexadecimal.
  const line = /^ +\d+: ([0-9a-f]+) +(\d+|0x[0-9a-f]+) \w+ +\w+ +\w+ +\d+ (\S+?)(?:@\S*)?$/gm;
  return Array.from(text.matchAll(line), ([, address, size, name]) => ({
    address: parseInt(address!, 16),
    size: Number(size),
    name: name!,
  }));
}

/** Whether a file names another file with its symbols. */
export async function hasDebugLink(path: string): Promise<boolean> {
  return (await binutils("readelf", ["-SW", path])).includes(" .gnu_debuglink ");
}

/** Names that a file imports, from its dynamic symbol table. */
export async function importedFunctions(path: string): Promise<string[]> {
  const text = await binutils("nm", ["-D", "-p", "--undefined-only", path]);
  return Array.from(text.matchAll(/^ +[Uw] (\S+?)(?:@.*)?$/gm), ([, name]) => name!);
}

/**
 * Symbols by the address of the GOT slot that the dynamic linker fills with them.
 */
export async function relocations(path: string): Promise<Map<number, string>> {
  return parseRelocations(await binutils("readelf", ["-rW", path]));
}

/** Parses `readelf -rW`. */
export function parseRelocations(text: string): Map<number, string> {
  const slots = new Map<number, string>();
  for (const line of text.split("\n")) {
    // offset info type symbol-value symbol-name[@version] + addend
    const match =
      /^([0-9a-f]+)\s+[0-9a-f]+\s+R_X86_64_(?:JUMP_SLOT|GLOB_DAT)\S*\s+[0-9a-f]+\s+(\S+?)(?:@\S*)? \+/
        .exec(line);
    if (match !== null) slots.set(parseInt(match[1]!, 16), match[2]!);
  }
  return slots;
}

/**
 * The parts of a file that the kernel maps.
 *
 * @throws {ElfError} when they are not within the file, or not at addresses that a program can have.
 */
export async function loadSegments(path: string): Promise<readonly LoadSegment[]> {
  return await segmentsOfFiles.of(path, () => readSegments(path));
}

const segmentsOfFiles = new FileCache<readonly LoadSegment[]>();

async function readSegments(path: string): Promise<LoadSegment[]> {
  const segments = parseSegments(await binutils("readelf", ["-lW", path]));
  const { size: length } = await Deno.stat(path);
  const isPlausible = segments.length <= MOST_SEGMENTS &&
    segments.every(({ offset, address, size }) =>
      offset + size <= length && address + size < ADDRESS_LIMIT
    );
  if (isPlausible && segments.reduce((sum, { size }) => sum + size, 0) <= MAPPED_LIMIT) {
    return segments;
  }
  throw new ElfError(
    `Cannot read "${path}": its program headers name parts that it does not have, more than ` +
      `${MOST_SEGMENTS} parts, or over ` +
      `${MAPPED_LIMIT / 2 ** 20} MB`,
  );
}

/** The most parts that are mapped: Kea's files have 4 to 6. */
const MOST_SEGMENTS = 64;

/** The end of the addresses that an x86-64 program can have. */
const ADDRESS_LIMIT = 2 ** 47;

/** The most of a file that is read, bytes: Kea's largest library has 5 MB. */
const MAPPED_LIMIT = 256 * 2 ** 20;

/**
 * The offset of code in its file, by its address.
 *
 * @returns null when the address is not in a part that is mapped as code.
 */
export function fileOffset(segments: readonly LoadSegment[], address: number): number | null {
  const segment = segments.find((part) =>
    part.executable && address >= part.address && address < part.address + part.size
  );
  return segment === undefined ? null : address - segment.address + segment.offset;
}

/** Parses `readelf -lW`. */
export function parseSegments(text: string): LoadSegment[] {
  return Array.from(
    text.matchAll(
      /^ +LOAD +0x([0-9a-f]+) 0x([0-9a-f]+) 0x[0-9a-f]+ 0x([0-9a-f]+) 0x[0-9a-f]+ (...)/gm,
    ),
    (match) => ({
      offset: parseInt(match[1]!, 16),
      address: parseInt(match[2]!, 16),
      size: parseInt(match[3]!, 16),
      executable: match[4]!.includes("E"),
    }),
  );
}

/** The sections of a file with code. */
export async function codeSections(path: string): Promise<CodeSection[]> {
  return parseCodeSections(await binutils("readelf", ["-SW", path]));
}

/** Parses `readelf -SW`. */
export function parseCodeSections(text: string): CodeSection[] {
  return Array.from(
    text.matchAll(
      /^ *\[ *\d+\] +(\.\S+) +PROGBITS +([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+) \S+ +AX/gm,
    ),
    ([, name, start, size]) => ({
      name: name!,
      start: parseInt(start!, 16),
      end: parseInt(start!, 16) + parseInt(size!, 16),
    }),
  );
}

/** All mapped data of a file. */
export async function mappedData(path: string): Promise<(Data & { executable: boolean })[]> {
  const segments = await loadSegments(path);
  return segments.map(({ address, size, executable }) => ({
    address,
    bytes: readAt(path, segments, address, size),
    executable,
  }));
}

/** Data from an address on; undefined if there is none. */
export function dataAt(data: readonly Data[], address: number): Uint8Array | undefined {
  const part = data.find((d) => address >= d.address && address < d.address + d.bytes.length);
  return part?.bytes.subarray(address - part.address);
}

/**
 * Reads bytes of a file by the address at which they are mapped.
 *
 * @returns at most `length` bytes, up to the end of the segment; none outside all segments.
 */
export function readAt(
  path: string,
  segments: readonly LoadSegment[],
  address: number,
  length: number,
): Uint8Array {
  const segment = segments.find((s) => address >= s.address && address < s.address + s.size);
  if (segment === undefined) return new Uint8Array();
  using file = openLinked(path);
  const most = Math.min(length, segment.address + segment.size - address);
  return readUpTo(file, segment.offset + address - segment.address, most);
}

/**
 * Runs a program of binutils on a copy of a file, with limits and without our rights: the file may be
 * hostile.
 *
 * @param args its options, the file last.
 * @returns what it wrote to standard output.
 * @throws {ElfError} when it cannot read the file within the limits.
 * @throws {DiscoveryError} when it is not installed.
 */
export async function binutils(
  command: string,
  args: readonly [...string[], string],
): Promise<string> {
  const path = args.at(-1)!;
  try {
    using copy = await copyOf(path);
    using _turn = await turn();
    const ran = await run([command, ...args.slice(0, -1), copy.path], {
      withoutRights: true,
      limitMs: LIMIT_MS,
      limitBytes: outputLimit(command, copy.path),
    });
    if (ran.code === 0) return textOf(ran);
    const why = complaintOf(ran).replaceAll(copy.path, path);
    throw new ElfError(`Cannot read "${path}", ${command} says: ${why}`);
  } catch (error) {
    if (error instanceof ForeignFileError) {
      throw new ElfError(`Cannot read "${path}": ${error.message}`);
    }
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new DiscoveryError(`Cannot read ELF files without ${command}: apt-get install binutils`);
  }
}

/** The most that is read of what a program prints about a file, bytes. */
const OUTPUT_LIMIT = 256 * 2 ** 20;

/**
 * Longest time for one program on a file on a busy machine, milliseconds. Its CPU time is limited, too; objdump
 * takes 1.2 s of it for Kea's largest library.
 */
const LIMIT_MS = 120_000;

/**
 * How many bytes a program may print for each byte of a file. For Kea's files nm prints 0.2, readelf 1 and
 * objdump 12. For a hostile file nm may print 30,000.
 */
const RATIO: Readonly<Record<string, number>> = { nm: 4, readelf: 10, objdump: 20 };

function outputLimit(command: string, path: string): number {
  const { size } = Deno.statSync(path);
  return Math.min(2 ** 20 + (RATIO[command] ?? 1) * size, OUTPUT_LIMIT);
}

/** Programs that run at a time. */
const AT_A_TIME = 4;

const waiting: (() => void)[] = [];
let running = 0;

/** Waits until fewer programs run than the limit. */
async function turn(): Promise<Disposable> {
  if (running < AT_A_TIME) running++;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  return {
    [Symbol.dispose]: () => {
      // The turn goes to the one that has waited longest, or ends.
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    },
  };
}
