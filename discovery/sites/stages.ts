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
import { factOf } from "../file_facts.ts";
import type { MappedFile, Program } from "../types.ts";
import type { Refusal, Site, SiteSearch } from "./types.ts";
import { keptSearch } from "./kept_search.ts";
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
  const checks = await keptSearch("checks for callouts", executable, checksIn);
  const points = await hookPointsAt(program, checks, readHookPoints);
  const sites: Site[] = [];
  const refusals: Refusal[] = [];
  for (const [edge, pattern] of Object.entries(STAGE_EDGES)) {
    const id = `stages.${edge}`;
    const point = pattern.replace("N", String(family));
    const isThere = (check: { readonly id: string }) => points.get(variableOf(check)) === point;
    const [found, refused] = [checks.sites.filter(isThere), checks.refusals.filter(isThere)];
    const count = found.length + refused.length;
    if (count === 0) refusals.push({ id, why: `no call checks for callouts of ${point}` });
    refusals.push(...refused.map(({ why }) => ({ id, why })));
    sites.push(...found.map((site, index) => (
      { ...site, id: `${id}.${index}`, hitsPerPacket: 1 / count }
    )));
  }
  return { sites, refusals };
}

/** All calls that check for callouts; their ids begin with the variable that has the number of the hook point. */
async function checksIn(executable: MappedFile): Promise<SiteSearch> {
  const code = await codeOf(executable);
  const calls = code.instructions.filter((call) => calledSymbol(code, call) === CALLOUTS_PRESENT);
  return gather(calls.flatMap((call, index) => {
    const variable = argumentOf(code, call);
    if (variable === null) return [];
    return [siteAtCall(`${variable}.${index}`, executable, code, call, CALLOUTS_PRESENT, 0)];
  }));
}

const variableOf = ({ id }: { readonly id: string }) => parseInt(id);

/**
 * The hook points whose numbers are in variables: read from the memory of a running server, or from the code that
 * registers them.
 */
async function hookPointsAt(
  { executable, pid }: Program,
  { sites, refusals }: SiteSearch,
  readHookPoints: () => Promise<readonly string[]>,
): Promise<ReadonlyMap<number | null, string | null | undefined>> {
  if (pid === null) {
    const registered = await factOf(
      "registered hook points",
      executable,
      async (copy) => registeredHooks(await codeOf(copy), await mappedData(copy.pinnedPath)),
    );
    return new Map(registered.map(({ variable, name }) => [variable, name]));
  }
  const [bias, names] = await Promise.all([loadBiasOf(pid, executable), readHookPoints()]);
  if (bias === null) return new Map();
  using memory = ProcessMemory.open(pid);
  return new Map(
    [...sites, ...refusals].map(variableOf).map((variable) => {
      const bytes = memory.read(bias + variable, 4);
      return [
        variable,
        bytes === null ? null : names[new DataView(bytes.buffer).getInt32(0, true)],
      ];
    }),
  );
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
