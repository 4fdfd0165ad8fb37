/**
 * Parsers of what belongs to a watched process, and of what other programs say of it.
 *
 * @module
 */

import { callsOf, indexCode, tailJumpsTo } from "../../discovery/code/call_sites.ts";
import { parseConfiguration } from "../../discovery/configuration/parse.ts";
import { ConfigurationSyntaxError } from "../../discovery/configuration/tokens.ts";
import {
  controlSocketsIn,
  dhcpConfigurationIn,
  subnetsIn,
} from "../../discovery/configuration/dhcp_configuration.ts";
import { keaStatistics } from "../../discovery/control_channel.ts";
import { demangle } from "../../discovery/code/demangle.ts";
import {
  dataReference,
  instructionClass,
  parseDisassembly,
} from "../../discovery/code/disassembly.ts";
import { needsOf } from "../../discovery/code/dynamic_section.ts";
import {
  fileOffset,
  parseCodeSections,
  parseExports,
  parseRelocations,
  parseSegments,
  parseSymbolRanges,
} from "../../discovery/code/elf.ts";
import { parseFrames } from "../../discovery/code/frames.ts";
import { hookPointsAt } from "../../discovery/hook_points.ts";
import { basesOf, parseBuildId, parseMaps } from "../../discovery/mapped_files.ts";
import { codeMappings } from "../../discovery/memory.ts";
import { statementNames, statementTables } from "../../discovery/sites/sql_statements.ts";
import { joinAliases, parseSymbolTables } from "../../discovery/code/symbols.ts";
import { parseStat } from "../../system/proc.ts";
import { StatementNames } from "../../probes/statement_names.ts";
import { fileOf } from "./converted.ts";
import { FalseClaim } from "./false_claim.ts";
import { hookTable, POINTER, statementImage, TABLE } from "./memory_images.ts";
import type { Mutant } from "./mutation.ts";
import type { FuzzedParser } from "./fuzzed_parser.ts";

const FIXTURES = new URL("fixtures/", import.meta.url);
const DISCOVERY = new URL("../discovery/fixtures/", import.meta.url);

const text = ({ bytes }: Pick<Mutant, "bytes">) => new TextDecoder().decode(bytes);
const encoded = (content: string) => new TextEncoder().encode(content);
const fixture = (name: string) => Deno.readFile(new URL(name, FIXTURES));

async function filesIn(folder: URL, suffix: string): Promise<Uint8Array[]> {
  const names = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
  const chosen = names.filter((name) => name.endsWith(suffix));
  return await Promise.all(chosen.map((name) => Deno.readFile(new URL(name, folder))));
}

/** A parser of text, which throws nothing. */
function ofText(
  name: string,
  files: readonly string[],
  parse: (content: string) => unknown,
): FuzzedParser {
  return {
    name,
    inputs: () => Promise.all(files.map(fixture)),
    parse: (mutant) => void parse(text(mutant)),
    errors: [],
  };
}

function ranges(content: string): void {
  const segments = parseSegments(content);
  for (const { start } of parseCodeSections(content)) fileOffset(segments, start);
}

function code({ bytes }: Mutant): void {
  const instructions = parseDisassembly(new TextDecoder().decode(bytes));
  const bounds = { start: 0, end: 2 ** 40, frameless: [] };
  const slots = parseRelocations(new TextDecoder().decode(bytes));
  const indexed = indexCode(instructions, slots, [bounds]);
  for (const symbol of indexed.imports.values()) {
    callsOf(indexed, symbol);
    tailJumpsTo(indexed, symbol, bounds);
  }
  for (const instruction of instructions) {
    instructionClass(instruction);
    dataReference(instruction);
  }
}

/** Names that are right, between those that are not: theirs must stay theirs. */
const [KNOWN, KNOWN_WORDS] = ["N3isc10UnexpectedE", "isc::Unexpected"];

/** Names that c++filt gets at once: starting it costs more than a name. */
const waiting: string[] = [];
const AT_ONCE = 500;

async function exceptionNames(mutant: Mutant): Promise<void> {
  waiting.push(...text(mutant).split("\n").slice(0, 3));
  if (waiting.length < AT_ONCE) return;
  const names = waiting.splice(0).flatMap((name) => [name, KNOWN]);
  const words = await demangle(names, { types: true });
  if (words.get(KNOWN) !== KNOWN_WORDS || names.some((name) => words.get(name) === undefined)) {
    throw new FalseClaim(`${KNOWN} became ${words.get(KNOWN)}`);
  }
}

/** Answers a connection with whatever is set, as a server would. */
class Answering implements AsyncDisposable {
  readonly #path: string;
  readonly #listener: Deno.UnixListener;
  answer: Uint8Array = new Uint8Array(0);

  constructor(path: string) {
    this.#path = path;
    this.#listener = Deno.listen({ transport: "unix", path });
    this.#serve();
  }

  get path(): string {
    return this.#path;
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) {
      try {
        await connection.read(new Uint8Array(4096));
        for (let rest = this.answer; rest.length > 0;) {
          rest = rest.subarray(await connection.write(rest));
        }
      } catch {
        // The client has read enough.
      }
      connection.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await Deno.remove(this.#path).catch(() => {});
  }
}

async function controlAnswer({ bytes }: Mutant): Promise<void> {
  await using server = new Answering(`${await fileOf(new Uint8Array(0))}.socket`);
  server.answer = bytes;
  await keaStatistics(server.path);
}

async function configuration(mutant: Mutant): Promise<void> {
  await Promise.resolve();
  const content = Array.from(mutant.bytes, (byte) => String.fromCharCode(byte)).join("");
  const values = parseConfiguration(content, () => {
    throw new ConfigurationSyntaxError("it includes a file");
  });
  for (const family of [4, 6] as const) {
    try {
      const dhcp = dhcpConfigurationIn(values, family);
      subnetsIn(dhcp, family);
      controlSocketsIn(dhcp);
    } catch (error) {
      if (!(error instanceof Error && error.name === "DiscoveryError")) throw error;
    }
  }
}

function statements({ bytes }: Mutant): void {
  const { data, pointers } = statementImage(bytes);
  for (const table of statementTables(data, pointers)) statementNames(table);
}

/** What a hook point may be called: for the commands of hook libraries, Kea puts a dollar before the name. */
const HOOK_POINT = /^\$?[a-z0-9_]{1,64}$/;

function hookPoints({ bytes }: Mutant): void {
  let reads = 0;
  const names = hookPointsAt(BigInt(POINTER), (address, length) => {
    if (++reads > 10_000) throw new FalseClaim("it reads without an end");
    const at = Number(address) - POINTER;
    return at >= 0 && at + length <= bytes.length ? bytes.slice(at, at + length) : null;
  });
  const wrong = names?.filter((name) => !HOOK_POINT.test(name));
  if (wrong !== undefined && wrong.length > 0) throw new FalseClaim(`a name is ${wrong[0]}`);
}

/** Keys of the statements' maps with places in this process's own memory. */
async function memoryKeys(): Promise<Uint8Array[]> {
  const maps = await Deno.readTextFile("/proc/self/maps");
  const writable = Array.from(maps.matchAll(/^([0-9a-f]+)-\S+ rw/gm), ([, start]) => start!);
  const keys = writable.slice(0, 40).map((start, at) => `4096,${parseInt(start, 16) + 64},${at}`);
  return [encoded(keys.join("\n"))];
}

async function statementsInMemory(mutant: Mutant): Promise<void> {
  const names = new StatementNames({
    pid: Deno.pid,
    statements: { leases: ["one", "two"] },
    users: new Map([["4096", "leases"]]),
    numberAt: 32,
  });
  const keys = text(mutant).split("\n").slice(0, 20);
  await names.learn({ "@mariadb": Object.fromEntries(keys.map((key) => [key, 1])) });
  for (const key of keys) names.renamed(key);
}

/** The parsers. */
export const DISCOVERED: readonly FuzzedParser[] = [
  {
    name: "Kea's configuration",
    inputs: () => filesIn(FIXTURES, ".conf"),
    parse: configuration,
    errors: ["ConfigurationSyntaxError"],
  },
  {
    name: "answer of the control socket",
    inputs: async () => [await fixture("statistic-get-all-kea-2.2.0.json")],
    parse: controlAnswer,
    errors: ["DiscoveryError"],
  },
  {
    name: "/proc/PID/maps",
    inputs: async () => [await fixture("maps-kea-2.2.0.txt")],
    parse: (mutant) => {
      const content = text(mutant);
      parseMaps(content);
      basesOf(content);
      codeMappings(content, { device: "fe:00", inode: 1 });
      parseStat(content);
    },
    errors: [],
  },
  {
    name: "ELF file",
    inputs: async () => [(await Deno.readFile("/bin/true")).slice(0, 200_000)],
    parse: async ({ bytes }) => {
      parseBuildId(bytes.subarray(0, 4096));
      needsOf(await fileOf(bytes));
    },
    errors: ["ElfError", "ForeignFileError"],
  },
  ofText("readelf -lW, -SW", ["segments.txt", "sections.txt"], ranges),
  ofText("readelf -sW", ["symbols.txt"], (content) => {
    joinAliases(parseSymbolTables(content).symtab);
    parseSymbolRanges(content);
  }),
  ofText("readelf -rW", ["relocations.txt"], parseRelocations),
  ofText("readelf --debug-dump=frames", ["frames.txt"], parseFrames),
  ofText("nm", ["nm.txt"], parseExports),
  {
    name: "objdump",
    inputs: () => filesIn(DISCOVERY, ".txt"),
    parse: code,
    errors: [],
  },
  {
    name: "names of exceptions",
    inputs: () =>
      Promise.resolve([
        encoded("N3isc10UnexpectedE\nSt13runtime_error\n*N5boost10wrapexceptI3fooEE\n"),
      ]),
    parse: exceptionNames,
    errors: [],
  },
  {
    name: "table of SQL statements",
    inputs: () => Promise.resolve([TABLE]),
    parse: statements,
    errors: [],
  },
  {
    name: "statements in memory",
    inputs: memoryKeys,
    parse: statementsInMemory,
    errors: [],
  },
  {
    name: "table of hook points",
    inputs: () => Promise.resolve([hookTable()]),
    parse: hookPoints,
    errors: [],
  },
];
