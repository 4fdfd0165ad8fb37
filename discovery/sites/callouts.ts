/**
 * Where Kea calls the callouts of hook libraries.
 *
 * `CalloutManager::callCallouts` starts a stopwatch before each callout and stops it after, also
 * when the callout throws: the two calls are the edges of its time.
 *
 * @module
 */

import { calledSymbol, type DecodedCode, proveStart } from "../code/call_sites.ts";
import { type Instruction, isCall } from "../code/disassembly.ts";
import { type Bounds, boundsOf, exportedFunctions } from "../code/elf.ts";
import { codeOf } from "../code/decoded_code.ts";
import { calloutsPerPacket, hookLibrariesOf } from "../hook_libraries.ts";
import type { MappedFile, Program } from "../types.ts";
import type { Refusal, SiteSearch } from "./types.ts";
import { functionEntries } from "./function_entries.ts";
import { keptSearch } from "./kept_search.ts";
import { proofOf, refused, siteOf } from "./site.ts";

/** Calls every callout of a hook point, one after the other. */
const CALL_CALLOUTS = "_ZN3isc5hooks14CalloutManager12callCalloutsEiRNS0_13CalloutHandleE";

/** Kea releases a packet's callout handle when it is done with the packet. */
const CALLOUT_HANDLE_END = "_ZN3isc5hooks13CalloutHandleD1Ev";

const START = "_ZN3isc4util9Stopwatch5startEv";
const STOP = "_ZN3isc4util9Stopwatch4stopEv";

/** The calls around every callout, and the end of a packet's callout handle. */
export async function calloutSites({ libraries }: Program): Promise<SiteSearch> {
  const library = libraries.find(({ path }) => /\/libkea-hooks\.so/.test(path));
  if (library === undefined) return refused(ID, "the server maps no libkea-hooks");
  const hits = await hookLibrariesOf(libraries).then(calloutsPerPacket);
  const found = await keptSearch("callouts", library, edgesIn);
  if (found.sites.length === 0) return found;
  const done = await functionEntries(
    libraries,
    "libkea-hooks.so",
    { "callouts.done": CALLOUT_HANDLE_END },
    () => hits === 0 ? 0 : 1,
  );
  const edges = found.sites.map((site) => ({ ...site, hitsPerPacket: hits * site.hitsPerPacket }));
  return { sites: [...edges, ...done.sites], refusals: done.refusals };
}

const ID = "callouts.";

/** The edges, with their hits per callout. */
async function edgesIn(library: MappedFile): Promise<SiteSearch> {
  const [code, symbols] = await Promise.all([
    codeOf(library),
    exportedFunctions(library.pinnedPath),
  ]);
  const bounds = boundsOf(symbols, CALL_CALLOUTS);
  if (bounds === undefined) return refused(ID, "libkea-hooks does not export callCallouts");
  const edges = calloutEdges(code, bounds);
  if ("why" in edges) return { sites: [], refusals: [edges] };
  const { start, ends, target, facts } = edges;
  const sites = [
    siteOf(`${ID}start`, library, start, proofOf(library, bounds, "symbol", target.start), 1),
    ...ends.map(({ call, function: part }, index) =>
      siteOf(
        `${ID}end.${index}`,
        library,
        call,
        proofOf(library, part, "eh_frame", target.stop),
        index === 0 ? 1 : 0,
      )
    ),
  ];
  return { sites: sites.map((site) => ({ ...site, facts })), refusals: [] };
}

/** The calls around a callout, and how to read which callout it is. */
export interface CalloutEdges {
  readonly start: Instruction;
  /** The normal end first, then those after an exception. */
  readonly ends: readonly { readonly call: Instruction; readonly function: Bounds }[];
  readonly target: { readonly start: string; readonly stop: string };
  /** Registers and offsets, with the names that the program uses. */
  readonly facts: Readonly<Record<"entry" | "handle" | "hook" | "status", string>>;
}

/** Callee-saved registers, which the unwinder preserves, too. */
const CALLEE_SAVED = "%(rbx|rbp|r12|r13|r14|r15)";

/**
 * Finds the calls around a callout, by their shape: the code stores the library's number in the handle, starts
 * the stopwatch, calls the callout through its entry, and stops the stopwatch.
 *
 * @param bounds of callCallouts.
 */
export function calloutEdges(code: DecodedCode, bounds: Bounds): CalloutEdges | Refusal {
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
  const stored = text(-4, 0).matchAll(
    new RegExp(`mov +%e\\w+,0x([0-9a-f]+)\\(${CALLEE_SAVED}\\)`, "g"),
  )
    .toArray().at(-1);
  const called = new RegExp(`call +\\*0x8\\(${CALLEE_SAVED}\\)`).exec(text(1, 5));
  if (stored === undefined || called === null) {
    return { id, why: "the code around callCallouts' stopwatch is not the known one" };
  }
  const [library, handle, entry] = [parseInt(stored[1]!, 16), stored[2]!, called[1]!];
  const [hook, status] = [library + 4, library + 8].map((offset) => `0x${offset.toString(16)}`);
  const body = code.instructions.filter(inside).map(({ text }) => text.trim()).join("\n");
  // The number of the hook point is stored after that of the library, the next step after both.
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
  const thrown = ends.filter((end) =>
    end !== ordinary && preservesRegisters(code, end.call, [entry, handle])
  );
  if (ordinary === undefined || thrown.length === 0 || thrown.length + 1 !== calls(STOP).length) {
    return { id, why: "the ends of callCallouts' stopwatch are not the known ones" };
  }
  return {
    start,
    ends: [ordinary, ...thrown],
    target: { start: START, stop: STOP },
    facts: { entry: ptraceName(entry), handle: ptraceName(handle), hook: hook!, status: status! },
  };
}

/** Whether no instruction between the catch of an exception and a call writes these registers. */
function preservesRegisters(
  code: DecodedCode,
  call: Instruction,
  registers: readonly string[],
): boolean {
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
function ptraceName(register: string): string {
  return register.replace(/^r([a-z]{2})$/, "$1");
}
