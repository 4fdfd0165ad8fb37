/**
 * From the maps that bpftrace prints to those that a capture keeps.
 *
 * @module
 */

import type { Site } from "../discovery/sites/types.ts";
import { MAP_KEYS } from "./bpftrace.ts";
import type { Json } from "../metrics/input/exact_json.ts";
import type { Plan } from "./plan.ts";
import type { Maps } from "./probe_run.ts";

/** Maps of a capture: by name, a number or numbers by key; beyond 2^53 decimal strings. */
export type CapturedMaps = Record<string, number | string | Record<string, number | string>>;

/** Maps whose places are all taken: what has a new key there is not counted. */
export function fullMaps(maps: Maps): string[] {
  return Object.entries(maps).filter(([, map]) =>
    typeof map === "object" && map !== null && Object.keys(map).length >= MAP_KEYS
  ).map(([name]) => name);
}

/** The lease manager's operations that a plan times, in the order of their numbers. */
export function operationsOf(plan: Plan): string[] {
  return [...new Set(endsOf(plan).map(operationOf))];
}

/** What a key of a map is called in a capture, by the map's name. */
export type Renaming = Readonly<Record<string, (key: string) => string>>;

/**
 * The names of keys that begin with an instruction pointer in the lease manager.
 *
 * @param bases where each library begins in the server's memory, by path.
 */
export function renamingOf(plan: Plan, bases: ReadonlyMap<string, number>): Renaming {
  const operations = operationsOf(plan);
  const numbers = new Map(
    endsOf(plan).map((site) => [
      pointerTo(site, bases),
      String(operations.indexOf(operationOf(site))),
    ]),
  );
  return {
    "@lease_manager": (key) => {
      const [site, ...rest] = key.split(",");
      return [numbers.get(site!) ?? site, ...rest].join();
    },
  };
}

/** Who executes MariaDB's statements, by instruction pointer. */
export function statementUsers(
  plan: Plan,
  bases: ReadonlyMap<string, number>,
): Map<string, string> {
  return new Map(
    sitesOf(plan, /^mariadb\.end\./).map((site) => [
      pointerTo(site, bases),
      site.id.split(".")[2]!,
    ]),
  );
}

/** An address as bpftrace prints it. */
function pointerTo({ file, address }: Site, bases: ReadonlyMap<string, number>): string {
  return String((bases.get(file.path) ?? 0) + address);
}

/**
 * Makes the translation for one server: keeps public maps, and gives keys that hold addresses
 * others that do not. Keys stay in the order in which they first came: bpftrace sorts by value, and
 * readers find best what stands where it stood.
 */
export function translator(
  maps: readonly string[],
  renaming: Renaming,
): (printed: Maps) => CapturedMaps {
  const known = new Map(maps.map((name) => [name, new Set<string>()]));
  return (printed) => {
    const captured: CapturedMaps = {};
    for (const name of maps) {
      const value = printed[name];
      if (value === undefined) continue;
      if (isScalar(value)) {
        captured[name] = value;
        continue;
      }
      const values = entries(value);
      captured[name] = ordered(
        renaming[name] === undefined ? values : renamed(values, renaming[name]),
        known.get(name)!,
      );
    }
    return captured;
  };
}

function renamed(
  values: Record<string, number | string>,
  rename: (key: string) => string,
): Record<string, number | string> {
  const sums = new Map<string, bigint>();
  for (const [key, value] of Object.entries(values)) {
    const name = rename(key);
    // One thing may have several sites: one for each way in, with threads and without.
    sums.set(name, (sums.get(name) ?? 0n) + BigInt(value));
  }
  return Object.fromEntries(
    [...sums].map(([key, sum]) => [key, BigInt.asIntN(64, sum).toString()]),
  );
}

function ordered(
  values: Record<string, number | string>,
  known: Set<string>,
): Record<string, number | string> {
  for (const key of Object.keys(values)) known.add(key);
  return Object.fromEntries(
    known.values().filter((key) => Object.hasOwn(values, key)).map((key) => [key, values[key]!]),
  );
}

function entries(value: Json): Record<string, number | string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((pair): pair is [string, number | string] => isScalar(pair[1])),
  );
}

function isScalar(value: Json): value is number | string {
  return typeof value === "number" || typeof value === "string";
}

function endsOf(plan: Plan): Site[] {
  return sitesOf(plan, /^lease_manager\..+\.end\./);
}

function sitesOf(plan: Plan, pattern: RegExp): Site[] {
  return plan.sources.flatMap(({ sites }) => sites).filter(({ id }) => pattern.test(id));
}

function operationOf({ id }: Site): string {
  return id.split(".")[1]!;
}
