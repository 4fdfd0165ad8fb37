/**
 * Functions and their frames, from the unwind tables as readelf prints them.
 *
 * @module
 */

import { binutils, type Bounds } from "./elf.ts";

/** A function in the unwind tables. */
export interface FunctionBounds extends Bounds {
  /** Where it has no frame on the stack: an indirect jump from there is a tail call. */
  readonly frameless: readonly Bounds[];
}

/** The functions of a file, from the unwind tables that even stripped files keep. */
export async function functionBounds(path: string): Promise<FunctionBounds[]> {
  return parseFrames(await binutils("readelf", ["--debug-dump=frames", "-W", path]));
}

/** How the frame address is computed at one place of a function. */
interface Rule {
  readonly register: string;
  readonly offset: number;
}

/** No frame: the return address is at the stack pointer, as at the function's entry. */
const isFrameless = ({ register, offset }: Rule) => register === "rsp" && offset === 8;

/** A computed rule, which is not followed. */
const COMPUTED: Rule = { register: "", offset: 0 };

/** Parses `readelf --debug-dump=frames`. */
export function parseFrames(text: string): FunctionBounds[] {
  const functions: FunctionBounds[] = [];
  /** The initial rule of each common part's functions. */
  const initial = new Map<string, Rule>();
  let common = "";
  let bounds: Bounds | null = null;
  let frameless: Bounds[] = [];
  let rule = COMPUTED;
  let remembered: Rule[] = [];
  let since = 0;

  const passUntil = (address: number) => {
    if (isFrameless(rule) && address > since) frameless.push({ start: since, end: address });
    since = address;
  };
  const finish = () => {
    if (bounds !== null) {
      passUntil(bounds.end);
      functions.push({ ...bounds, frameless });
    } else if (common !== "") initial.set(common, rule);
    [bounds, common, frameless, remembered, rule] = [null, "", [], [], COMPUTED];
  };
  for (const line of text.split("\n")) {
    const entry =
      /^([0-9a-f]+) [0-9a-f]+ [0-9a-f]+ (?:CIE|FDE cie=([0-9a-f]+) pc=([0-9a-f]+)\.\.([0-9a-f]+))/
        .exec(line);
    if (entry !== null) {
      finish();
      const [, offset, cie, start, end] = entry;
      if (cie === undefined) common = offset!;
      else {
        bounds = { start: parseInt(start!, 16), end: parseInt(end!, 16) };
        rule = initial.get(cie) ?? COMPUTED;
        since = bounds.start;
      }
      continue;
    }
    const [, instruction, words] = /^ {2}DW_CFA_(\w+):? ?(.*)$/.exec(line) ?? [];
    if (instruction === undefined) continue;
    if (instruction.startsWith("advance_loc") || instruction === "set_loc") {
      passUntil(parseInt(/ to ([0-9a-f]+)/.exec(words!)?.[1] ?? "", 16));
    } else if (instruction === "remember_state") remembered.push(rule);
    else if (instruction === "restore_state") rule = remembered.pop() ?? COMPUTED;
    else if (instruction === "def_cfa_offset") rule = { ...rule, offset: Number(words) };
    else if (instruction.startsWith("def_cfa")) {
      const [, register, offset] = /\((\w+)\)(?: ofs (\d+))?/.exec(words!) ?? [];
      if (instruction === "def_cfa") rule = { register: register ?? "", offset: Number(offset) };
      else if (instruction === "def_cfa_register") rule = { ...rule, register: register ?? "" };
      else rule = COMPUTED;
    }
  }
  finish();
  return functions;
}
