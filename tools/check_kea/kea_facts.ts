/**
 * What the monitor rests on in a build of Kea: read from its files, no program of it is run.
 *
 * @module
 */

import { basename, dirname } from "node:path";
import { z } from "zod";
import { DiscoveryError } from "../../discovery/discovery_error.ts";
import { type Data, importedFunctions, mappedData } from "../../discovery/code/elf.ts";
import { codeOf } from "../../discovery/code/decoded_code.ts";
import { hookTableIn } from "../../discovery/hook_points.ts";
import { type InstalledKea, installedKea } from "../../discovery/installed_kea.ts";
import { filesOf, installedProgram } from "../../discovery/programs.ts";
import { programVersion } from "../../discovery/program_version.ts";
import { proveSites } from "../../discovery/sites/prove.ts";
import { receiveCall } from "../../discovery/sites/receive_call.ts";
import { REGISTER_HOOK, registeredHooks } from "../../discovery/sites/registered_hooks.ts";
import { GROUPS, symbolOf } from "../../discovery/sites/site_report.ts";
import { statementsOf } from "../../discovery/sites/sql_statements.ts";
import { modeIn } from "../../discovery/sites/threading.ts";
import type { MappedFile, Program } from "../../discovery/types.ts";

const names = z.array(z.string());

/** The shape of recorded facts. */
export const FACTS = z.object({
  version: z.string(),
  /** How many places each probe site has, by family and site: "DHCPv4 allocation.start". */
  sites: z.record(z.string(), z.number()),
  /** Why places of a site, or of all sites of a group, are not available. */
  refusals: z.record(z.string(), z.string()),
  /** The functions at the sites, mangled. */
  symbols: names,
  /** What else is read from a server's code and memory, by family. */
  places: z.record(z.string(), z.string()),
  /** Those of which the build has a part: "postgresql", "mysql". */
  databases: names,
  hook_libraries: names,
  hook_points: names,
  statistics: names,
  log_ids: names,
  sql_statements: names,
  configuration_names: names,
});

/** Facts of one build. Lists are sorted. */
export type KeaFacts = Readonly<z.infer<typeof FACTS>>;

/** Texts of Kea's data, whole: between two NUL bytes. */
const TEXTS = {
  statistics:
    /(?<=\0)(?:pkt[46]|v[46]|cumulative|assigned|declined|reclaimed|total)-[a-z0-9-]+(?=\0)/g,
  // Those of environment variables begin with KEA_.
  log_ids: /(?<=\0)(?!KEA_)[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?=\0)/g,
  // As the parser of the configuration names them in its errors.
  configuration_names: /(?<=\0")[A-Za-z][A-Za-z0-9_-]*(?="\0)/g,
} as const;

/**
 * Reads the facts of the Kea in a folder.
 *
 * @throws {DiscoveryError} when there is none, or a file cannot be read.
 */
export async function factsOf(folder: string): Promise<KeaFacts> {
  const kea = installedKea(folder);
  const servers = [...kea.servers.values()];
  const programs = await Promise.all(servers.map((server) => programOf(kea, server)));
  const [sites, places] = await Promise.all([sitesIn(programs), placesIn(programs)]);
  const files = new Map(
    programs.flatMap(filesOf).filter((file) => isOfKea(kea, file)).map((file) => [file.path, file]),
  );
  const read = await Promise.all(Array.from(files.values(), textsIn));
  const of = (list: keyof Awaited<ReturnType<typeof textsIn>>) =>
    sorted(read.flatMap((f) => f[list]));
  return {
    version: programVersion(servers[0]!),
    ...sites,
    places,
    databases: sorted(
      programs.flatMap(({ databases: { leases, others } }) =>
        leases === null ? others : [leases, ...others]
      ),
    ),
    hook_libraries: [...kea.hooks?.names ?? []],
    hook_points: of("hook_points"),
    statistics: of("statistics"),
    log_ids: of("log_ids"),
    sql_statements: of("sql_statements"),
    configuration_names: of("configuration_names"),
  };
}

/** A server with all hook libraries and databases of its build. */
async function programOf(kea: InstalledKea, server: string): Promise<Program> {
  const program = await installedProgram(server, kea.libraries, kea.hooks?.paths);
  const has = (library: RegExp) => program.libraries.some(({ path }) => library.test(path));
  return {
    ...program,
    databases: {
      leases: has(/\/libkea-pgsql\.so/) ? "postgresql" : null,
      others: has(/\/libkea-mysql\.so/) ? ["mysql"] : [],
      // So that the statements of all its users are sought.
      whyAssumed: "it does not run",
    },
  };
}

function isOfKea({ hooks }: InstalledKea, { path }: MappedFile): boolean {
  return /\/(libkea-[^/]*|kea-dhcp[46])$/.test(path) ||
    (hooks !== null && dirname(path) === hooks.folder);
}

/** Sites and refusals without what differs between any two builds: places, and how many there are of one. */
async function sitesIn(
  programs: readonly Program[],
): Promise<Pick<KeaFacts, "sites" | "refusals" | "symbols">> {
  const sites: Record<string, number> = {};
  const refusals: Record<string, string> = {};
  const symbols: string[] = [];
  for (const program of programs) {
    const named = (id: string) => `DHCPv${program.family} ${id.replaceAll(/\.\d*(?=\.|$)/g, "")}`;
    const found = await proveSites(program, GROUPS);
    for (const site of found.sites) {
      const name = named(site.id);
      sites[name] = (sites[name] ?? 0) + 1;
      symbols.push(symbolOf(site));
    }
    for (const { id, why } of found.refusals) {
      refusals[named(id)] = why.replaceAll(/0x[0-9a-f]+/g, "an address");
    }
  }
  return { sites, refusals, symbols: sorted(symbols) };
}

/** Other places in the code, each as what was found or why it was not. */
async function placesIn(programs: readonly Program[]): Promise<KeaFacts["places"]> {
  const found = programs.flatMap(({ family, libraries }) =>
    Object.entries({
      "receives by": () => receiveCall({ libraries, version: "unknown" }),
      "table of hook points": () => hookTableIn(libraries).then(() => "found"),
      "mode of threading": () =>
        modeIn(libraries).then((mode) => mode === null ? "unknown" : "found"),
    }).map(async ([what, look]) => {
      const seen = await look().catch((error) => {
        if (!(error instanceof DiscoveryError)) throw error;
        return error.message;
      });
      return [`DHCPv${family} ${what}`, seen] as const;
    })
  );
  return Object.fromEntries(await Promise.all(found));
}

/** What the data and the code of one file name. */
async function textsIn(file: MappedFile) {
  const data = await mappedData(file.pinnedPath);
  const text = data.filter(({ executable }) => !executable)
    .map(({ bytes }) => new TextDecoder("latin1").decode(bytes)).join("\0");
  const all = (pattern: RegExp) => text.match(pattern) ?? [];
  const isServer = /\/kea-dhcp[46]$/.test(file.path);
  return {
    statistics: all(TEXTS.statistics),
    log_ids: all(TEXTS.log_ids),
    configuration_names: isServer ? all(TEXTS.configuration_names) : [],
    hook_points: await hookPointsIn(file, data),
    sql_statements: /mysql|dhcpsrv/.test(file.path)
      ? Object.values(await statementsOf(file)).flat()
      : [],
  };
}

async function hookPointsIn(file: MappedFile, data: readonly Data[]): Promise<string[]> {
  // Decoding a file takes seconds, and few register any.
  if (!(await importedFunctions(file.pinnedPath)).includes(REGISTER_HOOK)) return [];
  const registered = registeredHooks(await codeOf(file), data);
  return registered.map(({ name }) => name ?? `one without a known name in ${basename(file.path)}`);
}

function sorted(list: readonly string[]): string[] {
  return [...new Set(list)].sort();
}
