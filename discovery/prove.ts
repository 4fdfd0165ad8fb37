/**
 * Finds the sites worth probing in a server and proves each: the file is the one that the process
 * maps, an instruction begins at the address, it is the one expected, and it means what we think.
 *
 * A probe inside an instruction would crash the server, so nothing but `proveSites()` makes a Site.
 *
 * @module
 */

import {
  callsOf,
  type Code,
  type Data,
  dataAt,
  dataReference,
  indexCode,
  proveStart,
} from "./call_sites.ts";
import {
  disassemble,
  DisassemblyError,
  type Instruction,
  instructionClass,
} from "./disassembly.ts";
import {
  type Bounds,
  ElfError,
  exportedFunctions,
  functionBounds,
  loadSegments,
  readAt,
  relocations,
} from "./elf.ts";
import { buildIdOf } from "./mapped_files.ts";
import type { MappedFile, Refusal, Server, Site, SiteProof, SiteSearch } from "./types.ts";
import {
  ADD_VALUE,
  ALLOCATE_LEASE4,
  LEASE_MANAGER4,
  LOGGER_ENTRIES,
  REFUSAL_COUNTERS,
} from "./wanted_sites.ts";

/** What a search may look for: each costs time, so a plan asks for what its profile needs. */
export type SiteGroup = "exceptions" | "allocation" | "log" | "statistics" | "lease_manager";

/** How far before a call the name of its counter is put together, in instructions. */
const NAME_REACH = 40;

/** Finds and proves the sites of some groups. What cannot be had comes back as a refusal. */
export async function proveSites(
  server: Server,
  groups: readonly SiteGroup[],
): Promise<SiteSearch> {
  if (Deno.build.arch !== "x86_64") {
    return {
      sites: [],
      refusals: groups.map((group) => ({
        id: `${group}.`,
        why: `sites inside functions are known for x86-64 only, this is ${Deno.build.arch}`,
      })),
    };
  }
  const searches = await Promise.all(groups.map(async (group): Promise<SiteSearch> => {
    try {
      return await SEARCHES[group](server);
    } catch (error) {
      const expected = error instanceof ElfError || error instanceof DisassemblyError ||
        error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied;
      if (!expected) throw error;
      return { sites: [], refusals: [{ id: `${group}.`, why: error.message }] };
    }
  }));
  return {
    sites: searches.flatMap(({ sites }) => sites),
    refusals: searches.flatMap(({ refusals }) => refusals),
  };
}

/**
 * Checks a site once more, right before it is probed: the path still leads to the file that was
 * proven, and the proven bytes still stand there.
 *
 * @returns why it must not be probed; null when all holds.
 */
export async function recheck(site: Site): Promise<string | null> {
  const { file, proof, address } = site;
  try {
    // The executable is reached by the process's own link to it, whatever became of its path.
    if (file.replaced && !file.pinnedPath.endsWith("/exe")) {
      return `"${file.path}" was replaced under the running server: restart it to watch its new code`;
    }
    const stat = await Deno.stat(file.pinnedPath);
    if (stat.ino !== proof.inode) {
      return `the file is inode ${stat.ino} now, inode ${proof.inode} was proven`;
    }
    const buildId = await buildIdOf(file.pinnedPath);
    if (buildId !== proof.buildId) {
      return `the file has build id ${buildId} now, ${proof.buildId} was proven`;
    }
    const segments = await loadSegments(file.pinnedPath);
    const bytes = (await readAt(file.pinnedPath, segments, address, proof.bytes.length / 2))
      .toHex();
    if (bytes !== proof.bytes) {
      return `at 0x${address.toString(16)} stands ${bytes || "nothing"}, ${proof.bytes} was proven`;
    }
    return null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof ElfError) {
      return "the server is gone, or its file";
    }
    throw error;
  }
}

const SEARCHES: Readonly<Record<SiteGroup, (server: Server) => Promise<SiteSearch>>> = {
  exceptions: async (server) =>
    await entries(server, "libstdc++.so", { "exceptions.throw": "__cxa_throw" }, () => 0),

  log: async (server) =>
    await entries(
      server,
      "libkea-log.so",
      Object.fromEntries(
        Object.entries(LOGGER_ENTRIES).map(([severity, symbol]) => [`log.${severity}`, symbol]),
      ),
      (id) => id === "log.info" ? 1 : 0,
    ),

  allocation: async ({ executable, family }) => {
    if (family !== 4) return refused("allocation.", "allocations are known for DHCPv4 only");
    const code = await codeOf(executable);
    const calls = callsOf(code, ALLOCATE_LEASE4);
    if (calls.length === 0) {
      return refused("allocation.", "the executable does not call AllocEngine::allocateLease4");
    }
    return gather(calls.map((found, index) => {
      if ("why" in found) return { id: `allocation.end.${index}`, why: found.why };
      const proof = proofOf(executable, found.function, "eh_frame", found.target);
      return [
        siteOf(`allocation.start.${index}`, executable, found.call, proof, 1),
        siteOf(`allocation.end.${index}`, executable, found.end, proof, 1),
      ];
    }));
  },

  statistics: async ({ executable }) => {
    const code = await codeOf(executable);
    const data = await dataOf(executable);
    const sites: Site[] = [];
    const refusals: Refusal[] = [];
    for (const { call } of callsOf(code, ADD_VALUE)) {
      if (!raisesRefusalCounter(code, data, call)) continue;
      const id = `statistics.drop.${sites.length + refusals.length}`;
      const found = proveStart(code, call.address, ADD_VALUE);
      if ("why" in found) refusals.push({ id, why: found.why });
      else {
        const proof = proofOf(executable, found.function, "eh_frame", ADD_VALUE);
        sites.push(siteOf(id, executable, call, proof, 0));
      }
    }
    return sites.length > 0
      ? { sites, refusals }
      : refused("statistics.drop.", "no call that raises a counter of refused packets was found");
  },

  lease_manager: async ({ libraries, family }) => {
    const id = "lease_manager.";
    if (family !== 4) return refused(id, "lease operations are known for DHCPv4 only");
    const library = libraries.find(({ path }) => /\/libkea-dhcpsrv\.so/.test(path));
    if (library === undefined) return refused(id, "the server maps no libkea-dhcpsrv");
    const [code, symbols] = await Promise.all([
      codeOf(library),
      exportedFunctions(library.pinnedPath),
    ]);
    return gather(LEASE_MANAGER4.flatMap(({ operation, caller, inner, hitsPerPacket }) => {
      const bounds = symbols.find(({ name }) => name === caller);
      const calls = bounds === undefined
        ? []
        : callsOf(code, inner).filter(({ call }) =>
          call.address >= bounds.address && call.address < bounds.address + bounds.size
        );
      if (calls.length === 0) {
        return [{
          id: `${id}${operation}`,
          why: "its inner function is not called through the PLT",
        }];
      }
      return calls.map((found, index) => {
        if ("why" in found) return { id: `${id}${operation}.end.${index}`, why: found.why };
        const proof = proofOf(library, found.function, "eh_frame", found.target);
        // With threads one way in is taken, without them the other.
        const hits = hitsPerPacket / calls.length;
        return [
          siteOf(`${id}${operation}.start.${index}`, library, found.call, proof, hits),
          siteOf(`${id}${operation}.end.${index}`, library, found.end, proof, hits),
        ];
      });
    }));
  },
};

/** Entries of exported functions: the first emulated instruction of the entry block. */
async function entries(
  { libraries }: Server,
  library: string,
  symbols: Readonly<Record<string, string>>,
  hits: (id: string) => number,
): Promise<SiteSearch> {
  const file = libraries.find(({ path }) => path.split("/").at(-1)!.startsWith(library));
  const ids = Object.entries(symbols);
  if (file === undefined) {
    return {
      sites: [],
      refusals: ids.map(([id]) => ({ id, why: `the server maps no ${library}` })),
    };
  }
  const exported = await exportedFunctions(file.pinnedPath);
  return gather(
    await Promise.all(ids.map(async ([id, name]) => {
      const symbol = exported.find((candidate) => candidate.name === name);
      if (symbol === undefined) return { id, why: `${library} does not export ${name}` };
      const bounds = { start: symbol.address, end: symbol.address + symbol.size };
      const code = await disassemble(file.pinnedPath, bounds);
      const [first, second] = code;
      if (first?.address !== bounds.start) return { id, why: `${name} could not be decoded` };
      // Behind endbr64 (CET) the arguments are still untouched.
      const chosen = first.text.startsWith("endbr64") && second !== undefined &&
          instructionClass(second) === "emulated"
        ? second
        : first;
      const site = siteOf(id, file, chosen, proofOf(file, bounds, "symbol", null), hits(id));
      return [{ ...site, symbol: chosen === first ? name : null, entrySymbol: name }];
    })),
  );
}

/** Whether the name that a call of addValue passes is put together from a refusal counter's. */
function raisesRefusalCounter(code: Code, data: readonly Data[], call: Instruction): boolean {
  const position = code.positions.get(call.address)!;
  for (let back = position - 1; back >= Math.max(0, position - NAME_REACH); back--) {
    const address = dataReference(code.instructions[back]!);
    const bytes = address === null ? undefined : dataAt(data, address);
    if (bytes === undefined) continue;
    const text = new TextDecoder("latin1").decode(bytes.subarray(0, 32));
    if (REFUSAL_COUNTERS.some((name) => text.startsWith(name))) return true;
    // The nearest other counter's name: an ordinary call.
    if (/^(pkt4|v4|subnet|declined|assigned|reclaimed|cumulative)-/.test(text)) return false;
  }
  return false;
}

/** Code of files by build id: files of one build id are the same. */
const indexed = new Map<string, Promise<Code>>();

function codeOf(file: MappedFile): Promise<Code> {
  const key = file.buildId ?? file.pinnedPath;
  const known = indexed.get(key);
  if (known !== undefined) return known;
  const made = (async () => {
    const path = file.pinnedPath;
    const [instructions, slots, functions, data] = await Promise.all([
      disassemble(path),
      relocations(path),
      functionBounds(path),
      dataOf(file),
    ]);
    return indexCode(instructions, slots, functions, data);
  })();
  indexed.set(key, made);
  made.catch(() => indexed.delete(key));
  return made;
}

async function dataOf({ pinnedPath }: MappedFile): Promise<Data[]> {
  const segments = await loadSegments(pinnedPath);
  return await Promise.all(segments.map(async ({ address, size }) => ({
    address,
    bytes: await readAt(pinnedPath, segments, address, size),
  })));
}

function proofOf(
  file: MappedFile,
  { start, end }: Bounds,
  from: "eh_frame" | "symbol",
  target: string | null,
): Omit<SiteProof, "bytes" | "instruction"> {
  return {
    buildId: file.buildId ?? "",
    device: file.device,
    inode: file.inode,
    function: { start, end, from },
    target,
  };
}

function siteOf(
  id: string,
  file: MappedFile,
  { address, bytes, text }: Instruction,
  proof: Omit<SiteProof, "bytes" | "instruction">,
  hitsPerPacket: number,
): Site {
  return {
    id,
    file,
    address,
    symbol: null,
    entrySymbol: null,
    class: instructionClass({ address, bytes, text }),
    proof: { ...proof, bytes, instruction: text.trim() },
    hitsPerPacket,
  };
}

function gather(found: readonly (readonly Site[] | Refusal)[]): SiteSearch {
  const refusals: Refusal[] = [];
  const sites: Site[] = [];
  for (const item of found) {
    if ("why" in item) refusals.push(item);
    else sites.push(...item);
  }
  return { sites, refusals };
}

function refused(id: string, why: string): SiteSearch {
  return { sites: [], refusals: [{ id, why }] };
}
