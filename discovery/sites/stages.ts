/**
 * Where the server checks for callouts of the hook points that bound a packet's stages.
 *
 * @module
 */

import { calledSymbol, type DecodedCode } from "../code/call_sites.ts";
import { codeOf } from "../code/decoded_code.ts";
import type { Instruction } from "../code/disassembly.ts";
import { loadBiasOf, ProcessMemory } from "../memory.ts";
import type { Program } from "../types.ts";
import type { Refusal, Site, SiteSearch } from "./types.ts";
import { gather, refused, siteAtCall } from "./site.ts";

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
  { executable, family, pid }: Program,
  readHookPoints: () => Promise<readonly string[]>,
): Promise<SiteSearch> {
  const id = "stages.";
  if (pid === null) {
    return refused(id, "which call checks which hook point is known only for a running server");
  }
  const [code, bias, hookPoints] = await Promise.all([
    codeOf(executable),
    loadBiasOf(pid, executable),
    readHookPoints(),
  ]);
  using memory = ProcessMemory.open(pid);
  /** The variable with the hook point of a call; null if it is not clear. */
  const numberOf = (call: Instruction): number | null => {
    const variable = argumentOf(code, call);
    const bytes = bias === null || variable === null ? null : memory.read(bias + variable, 4);
    return bytes === null ? null : new DataView(bytes.buffer).getInt32(0, true);
  };
  const calls = code.instructions.filter((call) => calledSymbol(code, call) === CALLOUTS_PRESENT)
    .map((call) => ({ call, number: numberOf(call) }));
  const found = Object.entries(STAGE_EDGES).flatMap(
    ([edge, pattern]): (readonly Site[] | Refusal)[] => {
      const point = pattern.replace("N", String(family));
      const number = hookPoints.indexOf(point);
      const asking = number < 0 ? [] : calls.filter((each) => each.number === number);
      if (asking.length === 0) {
        return [{ id: `${id}${edge}`, why: `no call checks for callouts of ${point}` }];
      }
      const hits = 1 / asking.length;
      return asking.map(({ call }, index) =>
        siteAtCall(`${id}${edge}.${index}`, executable, code, call, CALLOUTS_PRESENT, hits)
      );
    },
  );
  return gather(found);
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
