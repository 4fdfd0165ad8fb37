/**
 * Where each group of sites is looked for, and how each site is proven.
 *
 * @module
 */

import {
  CALL_CALLOUTS,
  CALLOUT_HANDLE_END,
  calloutEdges,
  calloutsPerPacket,
  hookLibrariesOf,
  mayPark,
  PARKING_LOT,
} from "./callouts.ts";
import { calledSymbol, callsOf, type Code, proveStart, tailJumpsTo } from "../code/call_sites.ts";
import { counterCalls } from "./counter_names.ts";
import { codeOf, codeOfFunctions } from "../code/decoded_code.ts";
import { disassemble, type Instruction, instructionClass } from "../code/disassembly.ts";
import { type Bounds, exportedFunctions, mappedData } from "../code/elf.ts";
import { userOf } from "./sql_statements.ts";
import { isMultiThreaded } from "./threading.ts";
import type {
  Databases,
  DatabaseType,
  MappedFile,
  Program,
  Refusal,
  Site,
  SiteProof,
  SiteSearch,
} from "../types.ts";
import { hookPointsOf } from "../hook_points.ts";
import { loadBiasOf, ProcessMemory } from "../memory.ts";
import {
  ADD_VALUE,
  ALLOCATIONS,
  CALLOUTS_PRESENT,
  LEASE_MANAGER4,
  LOGGER_ENTRIES,
  MARIADB_EXECUTE,
  type Operation,
  PARKED,
  POSTGRESQL_RESULT,
  REFUSAL_COUNTERS,
  STAGE_EDGES,
  STATEMENTS_PER_PACKET,
} from "./wanted_sites.ts";

/** What a search may look for: each costs time, so a plan asks for what its profile needs. */
export type SiteGroup =
  | "exceptions"
  | "allocation"
  | "log"
  | "statistics"
  | "lease_manager"
  | "callouts"
  | "postgresql"
  | "mariadb"
  | "stages";

/** How far before a call its argument may be loaded, in instructions. */
const ARGUMENT_REACH = 24;

/** The search of each group. What cannot be proven comes back as a refusal. */
export const SEARCHES: Readonly<
  Record<SiteGroup, (program: Program) => Promise<SiteSearch>>
> = {
  exceptions: async (program) =>
    await entries(program, "libstdc++.so", { "exceptions.throw": "__cxa_throw" }, () => 0),

  log: async (program) =>
    await entries(
      program,
      "libkea-log.so",
      Object.fromEntries(
        Object.entries(LOGGER_ENTRIES).map(([severity, symbol]) => [`log.${severity}`, symbol]),
      ),
      (id) => id === "log.info" ? 1 : 0,
    ),

  allocation: async ({ executable, family, libraries }) => {
    const [code, parks] = await Promise.all([
      codeOf(executable),
      hookLibrariesOf(libraries).then(mayPark),
    ]);
    const calls = ALLOCATIONS[family].flatMap(({ symbol, hitsPerPacket }) => {
      const found = callsOf(code, symbol);
      return found.map((call) => ({ ...call, hits: hitsPerPacket / found.length }));
    });
    if (calls.length === 0) {
      const isImported = ALLOCATIONS[family].some(({ symbol }) =>
        code.slots.values().some((name) => name === symbol)
      );
      return refused(
        "allocation.",
        isImported
          ? "the executable calls the allocation engine in a way that is not known"
          : isLinkedIn(libraries)
          ? LINKED_IN
          : "the executable does not import the allocation engine",
      );
    }
    // A committed lease an exchange.
    const parked = parks
      ? await entries({ libraries }, "libkea-hooks.so", { [PARKED]: PARKING_LOT }, () => 0.5)
      : { sites: [], refusals: [] };
    const found = gather(calls.map((found, index) => {
      if ("why" in found) return { id: `allocation.end.${index}`, why: found.why };
      const proof = proofOf(executable, found.function, "eh_frame", found.target);
      return [
        siteOf(`allocation.start.${index}`, executable, found.call, proof, found.hits),
        siteOf(`allocation.end.${index}`, executable, found.end, proof, found.hits),
      ];
    }));
    return {
      sites: [...found.sites, ...parked.sites],
      refusals: [...found.refusals, ...parked.refusals],
    };
  },

  statistics: async ({ executable }) => {
    const code = await codeOf(executable);
    const data = await mappedData(executable.pinnedPath);
    const calls = counterCalls(code, data, ADD_VALUE);
    const untold = calls.filter(({ name }) => name === null).length;
    if (untold > 0) {
      return refused(
        "statistics.drop.",
        `which counter ${untold} of Kea's ${calls.length} calls raise cannot be told, so that those of ` +
          "refused packets may rise unseen",
      );
    }
    const sites: Site[] = [];
    const refusals: Refusal[] = [];
    for (const { call, name } of calls) {
      if (!REFUSAL_COUNTERS.some((counter) => name!.startsWith(counter.slice(0, -1)))) continue;
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

  callouts: async ({ libraries }) => {
    const id = "callouts.";
    const library = libraries.find(({ path }) => /\/libkea-hooks\.so/.test(path));
    if (library === undefined) return refused(id, "the server maps no libkea-hooks");
    const [code, symbols, hits] = await Promise.all([
      codeOf(library),
      exportedFunctions(library.pinnedPath),
      hookLibrariesOf(libraries).then(calloutsPerPacket),
    ]);
    const symbol = symbols.find(({ name }) => name === CALL_CALLOUTS);
    if (symbol === undefined) return refused(id, "libkea-hooks does not export callCallouts");
    const bounds = { start: symbol.address, end: symbol.address + symbol.size };
    const edges = calloutEdges(code, bounds);
    if ("why" in edges) return { sites: [], refusals: [edges] };
    const { start, ends, target, facts } = edges;
    const sites = [
      siteOf(`${id}start`, library, start, proofOf(library, bounds, "symbol", target.start), hits),
      ...ends.map(({ call, function: part }, index) =>
        siteOf(
          `${id}end.${index}`,
          library,
          call,
          proofOf(library, part, "eh_frame", target.stop),
          index === 0 ? hits : 0,
        )
      ),
    ];
    const done = await entries(
      { libraries },
      "libkea-hooks.so",
      { "callouts.done": CALLOUT_HANDLE_END },
      () => hits === 0 ? 0 : 1,
    );
    return {
      sites: [...sites.map((site) => ({ ...site, facts })), ...done.sites],
      refusals: done.refusals,
    };
  },

  postgresql: async (program) => {
    const { libraries, databases } = program;
    if (!uses(databases, "postgresql")) {
      return refused("postgresql.", "the configuration names no PostgreSQL");
    }
    const hits = databases.leases === "postgresql" ? STATEMENTS_PER_PACKET : 0;
    const library = libraries.find(({ path }) => /\/libpq\.so/.test(path));
    const [started, ended, facts] = await Promise.all([
      entries(program, "libpq.so", { "postgresql.start": "PQexecPrepared" }, () => hits),
      entries(program, "libkea-pgsql.so", { "postgresql.end": POSTGRESQL_RESULT }, () => hits),
      library === undefined ? null : resultFacts(library),
    ]);
    const refusals = [...started.refusals, ...ended.refusals];
    if (refusals.length > 0) return { sites: [], refusals };
    if (facts === null) {
      return refused("postgresql.", "how libpq keeps a result is not the known way");
    }
    const sites = [...started.sites, ...ended.sites].map((site) => ({ ...site, facts }));
    return { sites, refusals: [] };
  },

  stages: async (program) => {
    const id = "stages.";
    const { executable, family, pid } = program;
    if (pid === null) {
      return refused(id, "which call asks for which hook point, only a running server tells");
    }
    const [code, numbers, hookPoints] = await Promise.all([
      codeOf(executable),
      hookNumbersIn(pid, executable),
      hookPointsOf(program),
    ]);
    const sites: Site[] = [];
    const refusals: Refusal[] = [];
    for (const [edge, pattern] of Object.entries(STAGE_EDGES)) {
      const point = pattern.replace("N", String(family));
      const wanted = hookPoints.indexOf(point);
      const asking = code.instructions.filter((call) =>
        calledSymbol(code, call) === CALLOUTS_PRESENT
      ).filter((call) => {
        const variable = argumentOf(code, call);
        return variable !== null && wanted >= 0 && numbers(variable) === wanted;
      });
      if (asking.length === 0) {
        refusals.push({ id: `${id}${edge}`, why: `no call asks for callouts of ${point}` });
      }
      asking.forEach((call, index) => {
        const found = proveStart(code, call.address, CALLOUTS_PRESENT);
        if ("why" in found) refusals.push({ id: `${id}${edge}.${index}`, why: found.why });
        else {
          const proof = proofOf(executable, found.function, "eh_frame", CALLOUTS_PRESENT);
          sites.push(siteOf(`${id}${edge}.${index}`, executable, call, proof, 1 / asking.length));
        }
      });
    }
    return { sites, refusals };
  },

  mariadb: async (program) => {
    const id = "mariadb.";
    const { libraries, databases } = program;
    if (!uses(databases, "mysql")) return refused(id, "the configuration names no MariaDB");
    const hits = databases.leases === "mysql" ? STATEMENTS_PER_PACKET : 0;
    const client = libraries.find(({ path }) => /\/lib(mariadb|mysqlclient)\.so/.test(path));
    const caller = libraries.find(({ path }) => path.endsWith("/libdhcp_mysql.so")) ??
      libraries.find(({ path }) => /\/libkea-dhcpsrv\.so/.test(path));
    if (client === undefined) return refused(id, "the server maps no client library of MariaDB");
    if (caller === undefined) return refused(id, "the server maps no libkea-dhcpsrv");
    const [number, code, symbols] = await Promise.all([
      statementNumber(client),
      codeOf(caller),
      exportedFunctions(caller.pinnedPath),
    ]);
    if (number === null) {
      return refused(id, "how the client library numbers its statements is not the known way");
    }
    const users = databases.whyAssumed !== undefined ? [] : [
      ...databases.leases === "mysql" ? ["leases"] : [],
      ...databases.others.includes("mysql") ? ["hosts", "configuration"] : [],
    ];
    const found = callsOf(code, MARIADB_EXECUTE).flatMap((site, index) => {
      const holder = symbols.find(({ address, size }) =>
        site.call.address >= address && site.call.address < address + size
      );
      const user = userOf(holder?.name ?? "");
      return users.length === 0 || users.includes(user) ? [{ site, user, index }] : [];
    });
    if (found.length === 0) return refused(id, "no call of mysql_stmt_execute was found");
    const { sites, refusals } = gather(found.map(({ site, user, index }) => {
      if ("why" in site) return { id: `mariadb.end.${user}.${index}`, why: site.why };
      const proof = proofOf(caller, site.function, "eh_frame", site.target);
      // Each statement comes through one of them.
      const share = hits / found.length;
      return [
        siteOf(`mariadb.start.${user}.${index}`, caller, site.call, proof, share),
        siteOf(`mariadb.end.${user}.${index}`, caller, site.end, proof, share),
      ];
    }));
    return { sites: sites.map((site) => ({ ...site, facts: { number } })), refusals };
  },

  lease_manager: async (program) => {
    const id = "lease_manager.";
    const { libraries, family } = program;
    if (family !== 4) return refused(id, "lease operations are known for DHCPv4 only");
    const library = libraries.find(({ path }) => /\/libkea-dhcpsrv\.so/.test(path));
    if (library === undefined) return refused(id, "the server maps no libkea-dhcpsrv");
    const [symbols, multiThreaded] = await Promise.all([
      exportedFunctions(library.pinnedPath),
      // One that does not run is shown as it would be with threads, where every site is.
      program.pid === null ? true : isMultiThreaded(program),
    ]);
    const boundsOf = (caller: string): Bounds | undefined => {
      const symbol = symbols.find(({ name }) => name === caller);
      return symbol && { start: symbol.address, end: symbol.address + symbol.size };
    };
    const callers = LEASE_MANAGER4.map((wanted) => ({
      ...wanted,
      bounds: boundsOf(wanted.caller),
    }));
    const code = await codeOfFunctions(
      library,
      callers.map(({ bounds }) => bounds).filter((bounds) => bounds !== undefined),
    );
    return gather(
      callers.flatMap((wanted) => operationSites(library, code, wanted, multiThreaded)),
    );
  },
};

/** The calls of one lease operation: on the way with threads, and on the one without. */
function operationSites(
  library: MappedFile,
  code: Code,
  { operation, caller, inner, hitsPerPacket, bounds }: Operation & { bounds: Bounds | undefined },
  multiThreaded: boolean | null,
): (Site[] | Refusal)[] {
  const id = `lease_manager.${operation}`;
  if (bounds === undefined) {
    return [{ id: `${id}.start`, why: `libkea-dhcpsrv does not export ${caller}` }];
  }
  const calls = callsOf(code, inner).filter(({ call }) =>
    call.address >= bounds.start && call.address < bounds.end
  );
  if (calls.length === 0) {
    return [{ id: `${id}.start`, why: "its inner function is not called through the PLT" }];
  }
  // Without threads the compiler lets the function end with the call, where it can.
  const [tail] = tailJumpsTo(code, inner, bounds);
  if (tail !== undefined && multiThreaded !== true) {
    const mode = multiThreaded === null ? "nobody knows whether this server is" : "this server is";
    return [{
      id: `${id}.end`,
      why: `a single-threaded server leaves by a jump at 0x${tail.address.toString(16)} and does ` +
        `not come back, and ${mode} single-threaded`,
      inherent: true,
    }];
  }
  return calls.map((found, index) => {
    if ("why" in found) return { id: `${id}.end.${index}`, why: found.why };
    const proof = proofOf(library, found.function, "eh_frame", found.target);
    // One of the ways is taken.
    const hits = hitsPerPacket / calls.length;
    return [
      siteOf(`${id}.start.${index}`, library, found.call, proof, hits),
      siteOf(`${id}.end.${index}`, library, found.end, proof, hits),
    ];
  });
}

/** Where libpq keeps the rows and the status of a result: read from the functions that tell them. */
async function resultFacts(libpq: MappedFile): Promise<Readonly<Record<string, string>> | null> {
  const exported = await exportedFunctions(libpq.pinnedPath);
  const offset = async (name: string): Promise<string | null> => {
    const symbol = exported.find((candidate) => candidate.name === name);
    if (symbol === undefined) return null;
    const bounds = { start: symbol.address, end: symbol.address + symbol.size };
    const code = await disassemble(libpq.pinnedPath, bounds);
    const [found] = code.flatMap(({ text }) =>
      /^mov +(0x[0-9a-f]+)?\(%rdi\),%eax$/.exec(text.trim()) ?? []
    );
    return found === undefined ? null : /0x[0-9a-f]+/.exec(found)?.[0] ?? "0x0";
  };
  const [rows, outcome] = await Promise.all([offset("PQntuples"), offset("PQresultStatus")]);
  return rows === null || outcome === null ? null : { rows, outcome };
}

/** Whether a server keeps anything in a SQL database of a type. */
function uses({ leases, others }: Databases, type: DatabaseType): boolean {
  return leases === type || others.includes(type);
}

/** The variable from which a call takes its first argument, an int; null where that is not plain. */
function argumentOf(code: Code, call: Instruction): number | null {
  const position = code.positions.get(call.address)!;
  for (let back = position - 1; back >= Math.max(0, position - ARGUMENT_REACH); back--) {
    const { text } = code.instructions[back]!;
    const loaded = /^mov +0x[0-9a-f]+\(%rip\),%edi +# ([0-9a-f]+)/.exec(text.trim());
    if (loaded !== null) return parseInt(loaded[1]!, 16);
    if (/^call|,%[er]di$/.test(text.trim())) return null;
  }
  return null;
}

/** Reads ints in the memory of a running program, by their ELF address; -1 where there is none. */
async function hookNumbersIn(
  pid: number,
  executable: MappedFile,
): Promise<(address: number) => number> {
  const bias = await loadBiasOf(pid, executable);
  return (address) => {
    if (bias === null) return -1;
    using memory = ProcessMemory.open(pid);
    const bytes = memory.read(bias + address, 4);
    return bytes === null ? -1 : new DataView(bytes.buffer).getInt32(0, true);
  };
}

/**
 * Where the client library keeps a statement's number: behind the connection, which is the first
 * that mysql_stmt_execute reads of a statement.
 */
async function statementNumber(client: MappedFile): Promise<string | null> {
  const symbol = (await exportedFunctions(client.pinnedPath))
    .find(({ name }) => name === MARIADB_EXECUTE);
  if (symbol === undefined) return null;
  const bounds = { start: symbol.address, end: symbol.address + symbol.size };
  const first = (await disassemble(client.pinnedPath, bounds)).slice(0, 25)
    .map(({ text }) => /^mov +0x([0-9a-f]+)\(%rdi\),%r\w+$/.exec(text.trim())?.[1])
    .find((offset) => offset !== undefined);
  return first === undefined ? null : `0x${(parseInt(first, 16) + 8).toString(16)}`;
}

const LINKED_IN = "Kea's libraries are linked into the executable, and nothing tells where in it";

/** Whether a server has Kea's libraries within its executable. */
function isLinkedIn(libraries: readonly MappedFile[]): boolean {
  return !libraries.some(({ path }) => path.includes("/libkea-"));
}

/** Entries of exported functions: the first emulated instruction of the entry block. */
async function entries(
  { libraries }: Pick<Program, "libraries">,
  library: string,
  symbols: Readonly<Record<string, string>>,
  hits: (id: string) => number,
): Promise<SiteSearch> {
  const file = libraries.find(({ path }) => path.split("/").at(-1)!.startsWith(library));
  const ids = Object.entries(symbols);
  if (file === undefined) {
    return {
      sites: [],
      refusals: ids.map(([id]) => ({
        id,
        why: library.startsWith("libkea-") && isLinkedIn(libraries)
          ? LINKED_IN
          : `the server maps no ${library}`,
      })),
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

function proofOf(
  file: MappedFile,
  { start, end }: Bounds,
  from: "eh_frame" | "symbol",
  target: string | null,
): Omit<SiteProof, "bytes" | "instruction"> {
  return {
    buildId: file.buildId,
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
    // objdump names a place in a stripped file after whatever symbol stands before it.
    proof: { ...proof, bytes, instruction: text.replace(/\s*<[^>]*\+0x[0-9a-f]+>/, "").trim() },
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
