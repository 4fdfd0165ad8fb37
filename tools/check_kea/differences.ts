/**
 * What differs between two builds of Kea, and what the monitor needs for it.
 *
 * @module
 */

import { NAMES } from "../../discovery/configuration/dhcp_configuration.ts";
import { REFUSAL_COUNTERS } from "../../discovery/sites/statistics.ts";
import { STATISTICS } from "../../metrics/kea_statistics.ts";
import type { KeaFacts } from "./kea_facts.ts";

/** One difference. */
export interface Difference {
  /** "probe sites", "statistics". */
  readonly about: string;
  readonly what: string;
  /** The names that are new or gone; absent where it is not about names. */
  readonly names?: readonly string[];
  /** What the monitor needs; null for nothing. */
  readonly toDo: string | null;
}

/** Messages of Kea's log that findings name or count. */
const LOG_IDS = [
  "ALLOC_ENGINE_V4_ALLOC_FAIL",
  "ALLOC_ENGINE_V6_ALLOC_FAIL",
  "DHCP4_PACKET_NAK_0001",
] as const;

/** What differs in a build, compared with an older one: what the monitor needs first. */
export function differencesOf(now: KeaFacts, before: KeaFacts): Difference[] {
  const all = [
    ...ofBothFamilies((family) => serverDifferences(now, before, family)),
    ...listDifferences("databases", now.databases, before.databases),
    ...listDifferences("functions at the sites", now.symbols, before.symbols),
    ...listDifferences("hook points", now.hook_points, before.hook_points),
    ...listDifferences("statistics", now.statistics, before.statistics, {
      ofNew: (name) =>
        isReason(name) && !REFUSAL_COUNTERS.includes(name)
          ? "add them to REFUSAL_COUNTERS in discovery/sites/statistics.ts"
          : null,
      ofGone: (name) =>
        hasFamilyOf(name, now) &&
          [...STATISTICS[4], ...STATISTICS[6], ...REFUSAL_COUNTERS].includes(name)
          ? "find what replaces them in metrics/kea_statistics.ts"
          : null,
    }),
    ...listDifferences("log messages", now.log_ids, before.log_ids, {
      ofGone: (id) =>
        LOG_IDS.some((used) => used === id) ? "change the findings that name them" : null,
    }),
    ...listDifferences(
      "configuration",
      now.configuration_names,
      before.configuration_names,
      { ofGone: (name) => withoutName(name, now) },
    ),
    ...listDifferences("SQL statements", now.sql_statements, before.sql_statements),
    ...listDifferences("hook libraries", now.hook_libraries, before.hook_libraries),
  ];
  return all.toSorted((a, b) => Number(a.toDo === null) - Number(b.toDo === null));
}

/** Whether a build has the server that has a counter. */
function hasFamilyOf(counter: string, { places }: KeaFacts): boolean {
  return namesOf(`DHCPv${/\d/.exec(counter)![0]}`, places).length > 0;
}

/** Whether a counter is one of packets without an answer. */
function isReason(name: string): boolean {
  return /^pkt[46]-/.test(name) && !/-(received|sent)$/.test(name);
}

/** What a name of the configuration that is gone needs. */
function withoutName(name: string, { configuration_names }: KeaFacts): string | null {
  const names: Readonly<Record<string, string | null>> = NAMES;
  const next = names[name];
  if (next === undefined || (next !== null && configuration_names.includes(next))) return null;
  return "find what replaces them, and read it in discovery/configuration/dhcp_configuration.ts";
}

/** The differences of both families, once where they are the same. */
function ofBothFamilies(of: (family: string) => readonly Difference[]): Difference[] {
  const four = of("DHCPv4");
  const six = of("DHCPv6");
  const same = (a: Difference) => (b: Difference) => a.what === b.what && a.toDo === b.toDo;
  const named = (family: string, one: Difference) => ({ ...one, what: `${one.what} (${family})` });
  return [
    ...four.map((one) => six.some(same(one)) ? one : named("DHCPv4", one)),
    ...six.filter((one) => !four.some(same(one))).map((one) => named("DHCPv6", one)),
  ];
}

function serverDifferences(now: KeaFacts, before: KeaFacts, family: string): Difference[] {
  const isIn = ({ places }: KeaFacts) => namesOf(family, places).length > 0;
  if (isIn(now) !== isIn(before)) {
    const what = `its server is in Kea ${(isIn(now) ? now : before).version} only`;
    return [{ about: "servers", what, toDo: null }];
  }
  return [...siteDifferences(now, before, family), ...placeDifferences(now, before, family)];
}

function siteDifferences(now: KeaFacts, before: KeaFacts, family: string): Difference[] {
  const about = "probe sites";
  const refused = (facts: KeaFacts, name: string) => {
    // A refusal may be that of a whole group.
    const parts = name.split(".");
    return parts.map((_, last) => facts.refusals[parts.slice(0, last + 1).join(".")])
      .find((why) => why !== undefined);
  };
  const sites = namesOf(family, now.sites, before.sites).flatMap((name): Difference[] => {
    const [id, count, last] = [name.slice(family.length + 1), now.sites[name], before.sites[name]];
    if (count === last || !hasDatabaseOf(id, now) || !hasDatabaseOf(id, before)) return [];
    if (count === undefined) {
      const why = refused(now, name) ?? "no such place was found";
      return [{ about, what: `${id}: ${why}`, toDo: searchOf(id) }];
    }
    return [{ about, what: `${id}: ${places(count)}, ${last ?? "none"} before`, toDo: null }];
  });
  const refusals = namesOf(family, now.refusals, {}).flatMap((name): Difference[] => {
    // Sites that are gone are listed already, with the reason.
    const isListed = Object.keys(before.sites).some((site) =>
      (site === name || site.startsWith(`${name}.`)) && now.sites[site] === undefined
    );
    const why = now.refusals[name]!;
    const id = name.slice(family.length + 1);
    return isListed || before.refusals[name] === why || !hasDatabaseOf(id, now)
      ? []
      : [{ about, what: `${id}: ${why}`, toDo: searchOf(id) }];
  });
  return [...sites, ...refusals];
}

/** The database of a group of sites. */
const DATABASES: Readonly<Record<string, string>> = { postgresql: "postgresql", mariadb: "mysql" };

/** Whether a build has the database that has a site. */
function hasDatabaseOf(site: string, { databases }: KeaFacts): boolean {
  const database = DATABASES[site.split(".")[0]!];
  return database === undefined || databases.includes(database);
}

function searchOf(site: string): string {
  return `correct its search in discovery/sites/${site.split(".")[0]}.ts`;
}

function places(count: number): string {
  return count === 1 ? "1 place" : `${count} places`;
}

function namesOf(family: string, ...records: Readonly<Record<string, unknown>>[]): string[] {
  return [...new Set(records.flatMap(Object.keys))].filter((name) => name.startsWith(family));
}

/** What is known of each place; anything else is why it is not. */
const KNOWN_PLACES = ["found", "read", "recvmsg"];

function placeDifferences(now: KeaFacts, before: KeaFacts, family: string): Difference[] {
  return namesOf(family, now.places).flatMap((name): Difference[] => {
    const [found, last] = [now.places[name]!, before.places[name] ?? "unknown"];
    if (found === last) return [];
    return [{
      about: "the server's code",
      what: `${name.slice(family.length + 1)}: ${found}, ${last} before`,
      toDo: KNOWN_PLACES.includes(found) ? null : "correct its search in discovery/",
    }];
  });
}

/** What new names and those that are gone need, each one; null for nothing. */
interface Needs {
  readonly ofNew?: (name: string) => string | null;
  readonly ofGone?: (name: string) => string | null;
}

function listDifferences(
  about: string,
  now: readonly string[],
  before: readonly string[],
  { ofNew = () => null, ofGone = () => null }: Needs = {},
): Difference[] {
  const [has, had] = [new Set(now), new Set(before)];
  const grouped = (
    kind: string,
    names: ReadonlySet<string>,
    need: (name: string) => string | null,
  ) =>
    Array.from(Map.groupBy(names, need), ([toDo, same]): Difference => (
      { about, what: `${same.length} ${kind}`, names: same, toDo }
    ));
  return [
    ...grouped("new", has.difference(had), ofNew),
    ...grouped("gone", had.difference(has), ofGone),
  ];
}
