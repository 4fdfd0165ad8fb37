/**
 * The hook points of a running server and their numbers, which differ between versions and families. They
 * are read from its memory; no program of it is run.
 *
 * libkea-hooks keeps them in one `isc::hooks::ServerHooks`: a `std::map<std::string, int>`, then a
 * `std::map<int, std::string>`. `getServerHooksPtr()` returns a static pointer to it. The memory may be an
 * attacker's: the number of reads is limited, each place is read once, and names are checked.
 *
 * @module
 */

import { DiscoveryError } from "./discovery_error.ts";
import { dataReference, disassemble } from "./code/disassembly.ts";
import { exportedFunctions } from "./code/elf.ts";
import { factOf } from "./file_facts.ts";
import { loadBiasOf, ProcessMemory } from "./memory.ts";
import type { MappedFile, Program } from "./types.ts";

/** `isc::hooks::ServerHooks::getServerHooksPtr()`, for any return type. */
const GET_POINTER = /^_ZN3isc5hooks11ServerHooks17getServerHooksPtrEv/;

/** Bytes of that function that contain the address of the pointer. */
const REACH = 0x120;

/** Offset of the second map in the object, and of the tree's header in a map (libstdc++). */
const [SECOND_MAP, HEADER] = [48, 8];

/** Offsets in a node of libstdc++'s tree: parent, left, right, then key and string. */
const NODE = { size: 72, parent: 8, left: 16, right: 24, key: 32, text: 40, length: 48 } as const;

/** Limit of hook points, more than any Kea has: hook libraries may register some. */
const MOST = 400;

/** Names of hook points; those of commands, which hook libraries add, begin with a dollar. */
const NAME = /^\$?[a-z0-9_]{1,64}$/;

/** Reads memory; null if nothing is mapped there. */
export type Read = (address: bigint, length: number) => Uint8Array | null;

/**
 * Reads the hook points of a running server, by number.
 *
 * @throws {DiscoveryError} when it does not run, or they are not at the expected place.
 */
export async function hookPointsOf({ pid, libraries }: Program): Promise<string[]> {
  if (pid === null) throw unknown("expected a running server, give it with --server");
  const { library, places } = await hookTableIn(libraries);
  const bias = await loadBiasOf(pid, library);
  if (bias === null) throw unknown("the server does not map libkea-hooks any more");
  using memory = ProcessMemory.open(pid);
  const read: Read = (address, length) => memory.read(Number(address), length);
  for (const place of places) {
    const names = hookPointsAt(BigInt(bias + place), read);
    if (names !== null) return names;
  }
  throw unknown("libkea-hooks does not keep them where it is expected");
}

/**
 * The library that keeps the hook points, and the places that may have the pointer to them.
 *
 * @throws {DiscoveryError} when there are none.
 */
export async function hookTableIn(
  libraries: readonly MappedFile[],
): Promise<{ readonly library: MappedFile; readonly places: readonly number[] }> {
  const library = libraries.find(({ path }) => /\/libkea-hooks\.so/.test(path));
  if (library === undefined) throw unknown("the server maps no libkea-hooks");
  const places = await factOf("table of hook points", library, async ({ pinnedPath }) => {
    const exported = await exportedFunctions(pinnedPath);
    const getPointer = exported.find(({ name }) => GET_POINTER.test(name));
    if (getPointer === undefined) throw unknown("libkea-hooks has no getServerHooksPtr()");
    const { address: start, size } = getPointer;
    const code = await disassemble(pinnedPath, { start, end: start + Math.min(size, REACH) });
    const found = new Set(code.map(dataReference).filter((address) => address !== null));
    if (found.size === 0) throw unknown("getServerHooksPtr() refers to no data");
    return [...found];
  });
  return { library, places };
}

function unknown(why: string): DiscoveryError {
  return new DiscoveryError(`Cannot find the names of hook points: ${why}`);
}

/**
 * Reads the names through a pointer to a `ServerHooks`.
 *
 * @returns names by number; null when it is something else.
 */
export function hookPointsAt(pointer: bigint, read: Read): string[] | null {
  const word = (address: bigint) => {
    const bytes = read(address, 8);
    return bytes === null ? null : wordAt(bytes, 0);
  };
  const object = word(pointer);
  if (object === null) return null;
  const root = word(object + BigInt(SECOND_MAP + HEADER + NODE.parent));
  const names: string[] = [];
  const seen = new Set<bigint>();
  const waiting = [root];
  while (waiting.length > 0) {
    const node = waiting.pop();
    if (node === 0n || node === undefined) continue;
    if (node === null || seen.has(node) || seen.size === MOST) return null;
    seen.add(node);
    const bytes = read(node, NODE.size);
    if (bytes === null) return null;
    const number = wordAt(bytes, NODE.key) & 0xffffffffn;
    const name = nameAt(wordAt(bytes, NODE.text), wordAt(bytes, NODE.length), read);
    if (name === null || number >= BigInt(MOST)) return null;
    names[Number(number)] = name;
    waiting.push(wordAt(bytes, NODE.left), wordAt(bytes, NODE.right));
  }
  const isWhole = names.length === seen.size && Object.keys(names).length === seen.size;
  // The points that every Kea has.
  return isWhole && names[0] === "context_create" && names[1] === "context_destroy" ? names : null;
}

function nameAt(address: bigint, length: bigint, read: Read): string | null {
  if (length > 64n) return null;
  const bytes = read(address, Number(length));
  const name = bytes === null ? "" : new TextDecoder("latin1").decode(bytes);
  return NAME.test(name) ? name : null;
}

function wordAt(bytes: Uint8Array, offset: number): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(offset, true);
}
