/**
 * Hook libraries: where Kea calls their callouts, and whose callout an address is.
 *
 * `CalloutManager::callCallouts` starts a stopwatch before each callout and stops it after, also
 * when the callout throws: the two calls are the edges of its time.
 *
 * @module
 */

import { calledSymbol, type Code, proveStart } from "../code/call_sites.ts";
import { type Instruction, isCall } from "../code/disassembly.ts";
import { type Bounds, exportedFunctions, importedFunctions } from "../code/elf.ts";
import { FileCache } from "../file_cache.ts";
import type { MappedFile, Refusal } from "../types.ts";

/** Calls every callout of a hook point, one after the other. */
export const CALL_CALLOUTS = "_ZN3isc5hooks14CalloutManager12callCalloutsEiRNS0_13CalloutHandleE";

/** A packet's callout handle is given back when Kea is done with the packet. */
export const CALLOUT_HANDLE_END = "_ZN3isc5hooks13CalloutHandleD1Ev";

const START = "_ZN3isc4util9Stopwatch5startEv";
const STOP = "_ZN3isc4util9Stopwatch4stopEv";

/** The calls around a callout, and how to read there which callout it is. */
export interface CalloutEdges {
  readonly start: Instruction;
  /** The ordinary end first, then those after an exception. */
  readonly ends: readonly { readonly call: Instruction; readonly function: Bounds }[];
  readonly target: { readonly start: string; readonly stop: string };
  /** Registers and offsets, in the words of callouts.bt. */
  readonly facts: Readonly<Record<"entry" | "handle" | "hook" | "status", string>>;
}

/** Registers that a called function leaves alone, and so does the unwinder. */
const KEPT = "%(rbx|rbp|r12|r13|r14|r15)";

/**
 * Finds the calls around a callout, by their shape: the library's number is stored in the handle,
 * the stopwatch started, the callout called through its entry, the stopwatch stopped.
 *
 * @param bounds of callCallouts.
 */
export function calloutEdges(code: Code, bounds: Bounds): CalloutEdges | Refusal {
  const id = "callouts.start";
  const calls = (symbol: string) =>
    code.instructions.filter((instruction) => calledSymbol(code, instruction) === symbol);
  const inside = ({ address }: Instruction) => address >= bounds.start && address < bounds.end;
  const [start, ...others] = calls(START).filter(inside);
  if (start === undefined || others.length > 0) {
    return { id, why: "callCallouts does not start a stopwatch at one place" };
  }
  const at = code.positions.get(start.address)!;
  const text = (from: number, to: number) =>
    code.instructions.slice(at + from, at + to).map(({ text }) => text.trim()).join("\n");
  // The nearest store: the library's number, right before the start.
  const stored = text(-4, 0).matchAll(new RegExp(`mov +%e\\w+,0x([0-9a-f]+)\\(${KEPT}\\)`, "g"))
    .toArray().at(-1);
  const called = new RegExp(`call +\\*0x8\\(${KEPT}\\)`).exec(text(1, 5));
  if (stored === undefined || called === null) {
    return { id, why: "the code around callCallouts' stopwatch is not the known one" };
  }
  const [library, handle, entry] = [parseInt(stored[1]!, 16), stored[2]!, called[1]!];
  const [hook, status] = [library + 4, library + 8].map((offset) => `0x${offset.toString(16)}`);
  const body = code.instructions.filter(inside).map(({ text }) => text.trim()).join("\n");
  // The number of the hook point is stored behind that of the library, the next step behind both.
  if (
    !new RegExp(`mov +%e\\w+,${hook}\\(%${handle}\\)`).test(body) ||
    !new RegExp(`movl +\\$0x0,${status}\\(`).test(body)
  ) {
    return { id, why: "the code around callCallouts' stopwatch is not the known one" };
  }
  const ends = calls(STOP).map((call) => {
    const proven = proveStart(code, call.address, STOP);
    return "why" in proven ? null : proven;
  }).filter((found) => found !== null);
  const ordinary = ends.find(({ call }) => {
    const behind = code.positions.get(call.address)! - at;
    return behind > 0 && behind <= 8;
  });
  const thrown = ends.filter((end) => end !== ordinary && keeps(code, end.call, [entry, handle]));
  if (ordinary === undefined || thrown.length === 0 || thrown.length + 1 !== calls(STOP).length) {
    return { id, why: "the ends of callCallouts' stopwatch are not the known ones" };
  }
  return {
    start,
    ends: [ordinary, ...thrown],
    target: { start: START, stop: STOP },
    facts: { entry: inPtrace(entry), handle: inPtrace(handle), hook: hook!, status: status! },
  };
}

/** Whether nothing between the catching of an exception and a call writes some registers. */
function keeps(code: Code, call: Instruction, registers: readonly string[]): boolean {
  const position = code.positions.get(call.address)!;
  for (let back = position - 1; back >= position - 6; back--) {
    const instruction = code.instructions[back];
    if (instruction === undefined) return false;
    if (isCall(instruction)) {
      return calledSymbol(code, instruction) === "__cxa_begin_catch";
    }
    const written = /,%(\w+)$/.exec(instruction.text.trim())?.[1];
    if (written !== undefined && registers.includes(written)) return false;
  }
  return false;
}

/** A register's name as bpftrace's reg() takes it: that of struct pt_regs. */
function inPtrace(register: string): string {
  return register.replace(/^r([a-z]{2})$/, "$1");
}

/** How often a DORA or a SARR comes to the hook points on its way. */
const PER_EXCHANGE: Readonly<Record<string, number>> = {
  buffer4_receive: 2,
  pkt4_receive: 2,
  host4_identifier: 2,
  subnet4_select: 2,
  lease4_select: 2,
  lease4_offer: 1,
  leases4_committed: 1,
  ddns4_update: 1,
  pkt4_send: 2,
  buffer4_send: 2,
  buffer6_receive: 2,
  pkt6_receive: 2,
  host6_identifier: 2,
  subnet6_select: 2,
  lease6_select: 2,
  leases6_committed: 1,
  ddns6_update: 1,
  pkt6_send: 2,
  buffer6_send: 2,
};

/**
 * How many callouts some libraries will be asked for a packet: Kea registers what they export under
 * the name of a hook point. What they register by themselves is not counted.
 */
export async function calloutsPerPacket(libraries: readonly MappedFile[]): Promise<number> {
  const exported = await Promise.all(
    libraries.map(({ pinnedPath }) => exportedFunctions(pinnedPath)),
  );
  return exported.flat().reduce((sum, { name }) => sum + (PER_EXCHANGE[name] ?? 0), 0) / 2;
}

/** Asked by a callout that parks its packet, for the place where it is kept. */
export const PARKING_LOT = "_ZNK3isc5hooks13CalloutHandle22getParkingLotHandlePtrEv";

/** Whether any of some hook libraries may park packets. */
export async function mayPark(libraries: readonly MappedFile[]): Promise<boolean> {
  const imported = await Promise.all(
    libraries.map(({ pinnedPath }) => importedFunctions(pinnedPath)),
  );
  return imported.some((names) => names.includes(PARKING_LOT));
}

/** Folders of libraries that no administrator writes hooks into. */
const SYSTEM = /^\/(usr\/|usr\/local\/)?lib(32|64)?\//;

/** Whether files are hook libraries: the watch asks every second, of the same ones. */
const known = new FileCache<boolean>();

/** Which of the files that a server maps are hook libraries. */
export async function hookLibrariesOf<T extends Pick<MappedFile, "path" | "pinnedPath">>(
  libraries: readonly T[],
): Promise<T[]> {
  const found = await Promise.all(libraries.map(async (library) => {
    if (library.path.includes("/hooks/")) return library;
    if (SYSTEM.test(library.path) || !/\.so\b/.test(library.path)) return null;
    // One that is mapped no more while it is looked at is none.
    const isHook = await known.of(library.pinnedPath, () => isHookLibrary(library.pinnedPath))
      .catch(() => false);
    return isHook ? library : null;
  }));
  return found.filter((library) => library !== null);
}

async function isHookLibrary(path: string): Promise<boolean> {
  // Every hook library tells the version of the interface that it was built for.
  const symbols = await exportedFunctions(path).catch(() => []);
  return symbols.some(({ name }) => name === "version") &&
    symbols.some(({ name }) => name === "load" || name in PER_EXCHANGE);
}
