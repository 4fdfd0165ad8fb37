/**
 * The memory of a running program: where it has the bytes of a file, what is there, and which of its code
 * differs from the file.
 *
 * @module
 */

import { isGone } from "../system/proc.ts";
import { readUpTo } from "../system/file_bytes.ts";
import { openLinked } from "../system/foreign_file.ts";
import { readProc } from "../system/read_proc.ts";
import { DiscoveryError } from "./discovery_error.ts";
import { type LoadSegment, loadSegments } from "./code/elf.ts";
import type { MappedFile } from "./types.ts";

/** A part of a file that a process maps: addresses [start, end) in its memory. */
export interface Mapping {
  readonly start: number;
  readonly end: number;
  /** Its offset in the file. */
  readonly offset: number;
}

const PAGE = 4096;

/** The breakpoint that the kernel writes over the first byte of a probed instruction: int3. */
export const BREAKPOINT = 0xcc;

/** The most of a process's code that is read, bytes: a hostile one may map a file many times. */
const CODE_LIMIT = 2 ** 30;

/** The most bytes that breakpoints change: a hostile process may have changed all of its code. */
const MOST_CHANGED = 100_000;

/** Bits of an entry of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst). */
const [PRESENT, SWAPPED, OF_FILE] = [1n << 63n, 1n << 62n, 1n << 61n];

/**
 * The executable mappings of a file.
 *
 * @param maps text of /proc/PID/maps.
 */
export function codeMappings(
  maps: string,
  { device, inode }: Pick<MappedFile, "device" | "inode">,
): Mapping[] {
  const found: Mapping[] = [];
  for (const line of maps.split("\n")) {
    const match = /^([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) (\S+) (\d+)/.exec(line);
    if (match === null || match[4] !== device || match[5] !== String(inode)) continue;
    const [start, end, offset] = match.slice(1, 4).map((digits) => parseInt(digits, 16));
    found.push({ start: start!, end: end!, offset: offset! });
  }
  return found;
}

/** Addresses at which a byte of a file is mapped as code, by its offset in the file. */
export function addressesOf(mappings: readonly Mapping[], offset: number): number[] {
  return mappings
    .filter((part) => offset >= part.offset && offset < part.offset + part.end - part.start)
    .map((part) => part.start + offset - part.offset);
}

/**
 * The load bias of an ELF file in a process: 0 for a file without PIE, which has fixed addresses.
 *
 * @returns null when the process maps no code of the file.
 */
export function loadBias(
  mappings: readonly Mapping[],
  segments: readonly LoadSegment[],
): number | null {
  for (const { offset, address, executable } of segments) {
    const [found] = executable ? addressesOf(mappings, offset) : [];
    if (found !== undefined) return found - address;
  }
  return null;
}

/**
 * The load bias of a file in a running process.
 *
 * @returns null when it maps no code of the file.
 * @throws {ElfError} when the file cannot be read.
 * @throws {Deno.errors.NotFound} when there is no such process.
 */
export async function loadBiasOf(pid: number, file: MappedFile): Promise<number | null> {
  const maps = await readProc(pid, "maps");
  return loadBias(codeMappings(maps, file), await loadSegments(file.pinnedPath));
}

/**
 * The private memory of a process: pages that only it has, in memory or swapped out. A page of a file is never
 * read: the process may serve that file system itself, and make the reader wait for ever.
 */
export class ProcessMemory implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #pages: Deno.FsFile;

  private constructor(file: Deno.FsFile, pages: Deno.FsFile) {
    this.#file = file;
    this.#pages = pages;
  }

  /** @throws {Deno.errors.NotFound} when there is no such process. */
  static open(pid: number): ProcessMemory {
    const file = Deno.openSync(`/proc/${pid}/mem`);
    try {
      return new ProcessMemory(file, Deno.openSync(`/proc/${pid}/pagemap`));
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** @returns the bytes from an address on; null if one of their pages is not private. */
  read(address: number, length: number): Uint8Array<ArrayBuffer> | null {
    // A hostile process may give something that is not an address.
    if (!Number.isSafeInteger(address + length)) return null;
    const start = address - address % PAGE;
    const end = Math.ceil((address + length) / PAGE) * PAGE;
    const isOwn = this.#ownPages(start, end).length === (end - start) / PAGE;
    return isOwn ? this.#bytes(address, length) : null;
  }

  /** The private pages in a range of whole pages: address and bytes of each. */
  *pagesIn(start: number, end: number): Generator<readonly [number, Uint8Array<ArrayBuffer>]> {
    for (const address of this.#ownPages(start, end)) {
      const bytes = this.#bytes(address, PAGE);
      if (bytes !== null) yield [address, bytes];
    }
  }

  #bytes(address: number, length: number): Uint8Array<ArrayBuffer> | null {
    try {
      const bytes = readUpTo(this.#file, address, length);
      return bytes.length === length ? bytes : null;
    } catch (error) {
      // EIO: the page is gone.
      if (error instanceof Error && /os error 5\b/.test(error.message)) return null;
      throw error;
    }
  }

  #ownPages(start: number, end: number): number[] {
    const bytes = readUpTo(this.#pages, start / PAGE * 8, (end - start) / PAGE * 8);
    const entries = new DataView(bytes.buffer, 0, bytes.length);
    return Array.from({ length: entries.byteLength / 8 }, (_, index) => index).filter((index) => {
      const entry = entries.getBigUint64(8 * index, true);
      return (entry & (PRESENT | SWAPPED)) !== 0n && (entry & OF_FILE) === 0n;
    }).map((index) => start + index * PAGE);
  }

  [Symbol.dispose](): void {
    this.#file.close();
    this.#pages.close();
  }
}

/**
 * Bytes of a process's code that differ from its files, mostly breakpoints: by address in its memory. Only
 * private pages are read: a page of the file cannot differ from it, and reading it would count as memory of
 * the process.
 *
 * @returns null when the process is gone.
 * @throws {DiscoveryError} when there are more than probes would change.
 */
export function changedCode(
  pid: number,
  files: readonly MappedFile[],
): ReadonlyMap<number, number> | null {
  try {
    const maps = Deno.readTextFileSync(`/proc/${pid}/maps`);
    using memory = ProcessMemory.open(pid);
    const changed = new Map<number, number>();
    let left = CODE_LIMIT;
    for (const file of files) {
      using original = openLinked(file.pinnedPath);
      for (const { start, end, offset } of codeMappings(maps, file)) {
        const looked = Math.min(end - start, left);
        left -= looked;
        for (const [page, now] of memory.pagesIn(start, start + looked)) {
          const before = readUpTo(original, offset + page - start, PAGE);
          now.forEach((byte, at) => {
            if (byte !== (before[at] ?? 0)) changed.set(page + at, byte);
          });
          if (changed.size > MOST_CHANGED) {
            throw new DiscoveryError(
              `Cannot watch process ${pid}: more than ${MOST_CHANGED} bytes of its code differ from ` +
                `its file "${file.path}", restart it`,
            );
          }
        }
      }
    }
    return changed;
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}
