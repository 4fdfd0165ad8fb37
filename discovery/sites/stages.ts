/**
 * Where the server checks for callouts of the hook points that bound a packet's stages.
 *
 * @module
 */

import { calledSymbol, type DecodedCode } from "../code/call_sites.ts";
import { codeOf } from "../code/decoded_code.ts";
import type { Instruction } from "../code/disassembly.ts";
import { mappedData } from "../code/elf.ts";
import { loadBiasOf, ProcessMemory } from "../memory.ts";
import type { Program } from "../types.ts";
import type { Refusal, Site, SiteSearch } from "./types.ts";
import { registeredHooks } from "./registered_hooks.ts";
import { gather, siteAtCall } from "./site.ts";

/** Kea calls this before the callouts of a hook point, whether there are any or not. */
const CALLOUTS_PRESENT = "_ZN3isc5hooks12HooksManager15calloutsPresentEi";

/** Edges of a packet's stages, and the hook point there; N is the family. */
const STAGE_EDGES: Readonly<Record<string, string>> = {
  process: "bufferN_receive",
  parsed: "pktN_receive",
  committed: "pktN_send",
  packed: "bufferN_send",
};

/** How far before a call its argument may be loaded, in instructions. */
const ARGUMENT_REACH = 24;

/** The calls that check for callouts between two stages. */
export async function stageSites(
  program: Program,
  readHookPoints: () => Promise<readonly string[]>,
): Promise<SiteSearch> {
  const { executable, family } = program;
  const code = await codeOf(executable);
  const calls = code.instructions.filter((call) => calledSymbol(code, call) === CALLOUTS_PRESENT)
    .map((call) => ({ call, variable: argumentOf(code, call) }));
  const variables = calls.map(({ variable }) => variable).filter((variable) => variable !== null);
  const points = await hookPointsAt(program, code, variables, readHookPoints);
  const found = Object.entries(STAGE_EDGES).flatMap(
    ([edge, pattern]): (readonly Site[] | Refusal)[] => {
      const id = `stages.${edge}`;
      const point = pattern.replace("N", String(family));
      const checking = calls.filter(({ variable }) =>
        variable !== null && points.get(variable) === point
      );
      if (checking.length === 0) return [{ id, why: `no call checks for callouts of ${point}` }];
      const hits = 1 / checking.length;
      return checking.map(({ call }, index) =>
        siteAtCall(`${id}.${index}`, executable, code, call, CALLOUTS_PRESENT, hits)
      );
    },
  );
  return gather(found);
}

/**
 * The hook points whose numbers are in variables: read from the memory of a running server, or from the code that
 * registers them.
 */
async function hookPointsAt(
  { executable, pid }: Program,
  code: DecodedCode,
  variables: readonly number[],
  readHookPoints: () => Promise<readonly string[]>,
): Promise<ReadonlyMap<number | null, string | null | undefined>> {
  if (pid === null) {
    const registered = registeredHooks(code, await mappedData(executable.pinnedPath));
    return new Map(registered.map(({ variable, name }) => [variable, name]));
  }
  const [bias, names] = await Promise.all([loadBiasOf(pid, executable), readHookPoints()]);
  if (bias === null) return new Map();
  using memory = ProcessMemory.open(pid);
  return new Map(variables.map((variable) => {
    const bytes = memory.read(bias + variable, 4);
    return [
      variable,
      bytes === null ? null : names[new DataView(bytes.buffer).getInt32(0, true)],
    ];
  }));
}

/** The variable with a call's first argument, an int; null if it is not clear. */
function argumentOf(code: DecodedCode, call: Instruction): number | null {
  const position = code.positions.get(call.address)!;
  for (let back = position - 1; back >= Math.max(0, position - ARGUMENT_REACH); back--) {
    const { text } = code.instructions[back]!;
    const loaded = /^mov +0x[0-9a-f]+\(%rip\),%edi +# ([0-9a-f]+)/.exec(text.trim());
    if (loaded !== null) return parseInt(loaded[1]!, 16);
    if (/^call|,%[er]di$/.test(text.trim())) return null;
  }
  return null;
}
