/**
 * Converts the maps that bpftrace prints to the rows of a capture.
 *
 * @module
 */

import type { Site } from "../discovery/sites/types.ts";
import type { Family } from "../discovery/types.ts";
import type { Sample } from "../metrics/capture.ts";
import { isCounted, type Row, rowOf } from "../metrics/counted_maps.ts";
import { expectsAnswer } from "../metrics/messages.ts";
import type { ByEpoch } from "../metrics/unanswered.ts";
import type { Json } from "../metrics/input/exact_json.ts";
import type { Plan } from "./plan.ts";
import type { Maps } from "./printed_maps.ts";
import { TOP_MAPS } from "./top_lists.ts";

/** The lease manager's operations of a plan, by number. */
export function operationsOf(plan: Plan): string[] {
  return [...new Set(endsOf(plan).map(operationOf))];
}

/** What a key of a map is called in a capture, by the map's name. */
export type Renaming = Readonly<Record<string, (key: string) => string>>;

/**
 * The names of keys that begin with an instruction pointer in the lease manager.
 *
 * @param bases start address of each library in the server's memory, by path.
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

/** The users of MariaDB's statements, by instruction pointer. */
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
 * Converts the readings of one server to the counts between them. Private maps and those of {@linkcode TopLists}
 * are left out; addresses in keys are replaced by names.
 */
export class ReadingDifferences {
  readonly #renaming: Renaming;
  readonly #before = new Map<string, ReadonlyMap<string, bigint>>();

  constructor(renaming: Renaming) {
    this.#renaming = { ...renaming, "@received": withoutEpoch };
  }

  /** The rows of a sample: the counts since the previous reading, or since the programs started. */
  next(printed: Maps): Sample["maps"] {
    const rows: Record<string, Row[]> = {};
    for (const [map, value] of Object.entries(printed)) {
      if (!isCounted(map) || TOP_MAPS.has(map)) continue;
      const before = this.#before.get(map);
      const now = sumsOf(value, this.#renaming[map]);
      this.#before.set(map, now);
      const counted = now.entries().map(([key, sum]) =>
        rowOf(map, key, sum - (before?.get(key) ?? 0n))
      ).filter((row) => row !== null).toArray();
      if (counted.length > 0) rows[map] = counted;
    }
    return rows;
  }
}

/** Requests that expect an answer, by message type and epoch: see {@linkcode Unanswered}. */
export function requestsIn(maps: Maps, family: Family): ByEpoch {
  const counts = new Map<number, number[]>();
  for (const [key, value] of entriesOf(maps["@received"])) {
    const [, type, epoch] = key.split(",").map(Number);
    if (!expectsAnswer(family, type!)) continue;
    addTo(counts, type!, epoch!, Number(BigInt.asUintN(64, BigInt(value)) >> 40n));
  }
  return counts;
}

/** Answered requests, as {@linkcode requestsIn}. */
export function answeredIn(maps: Maps): ByEpoch {
  const counts = new Map<number, number[]>();
  for (const [key, value] of entriesOf(maps["@answered"])) {
    const [type, epoch] = key.split(",").map(Number);
    addTo(counts, type!, epoch!, Number(value));
  }
  return counts;
}

function addTo(counts: Map<number, number[]>, type: number, epoch: number, count: number): void {
  const ofType = counts.getOrInsertComputed(type, () => []);
  ofType[epoch] = (ofType[epoch] ?? 0) + count;
}

/** Socket and message type; the epoch is for {@linkcode requestsIn}. */
function withoutEpoch(key: string): string {
  return key.split(",", 2).join();
}

/** Values by key. Several keys may mean the same: one with threads, one without. */
function sumsOf(value: Json, rename = (key: string) => key): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const [key, each] of entriesOf(value)) {
    const name = rename(key);
    sums.set(name, (sums.get(name) ?? 0n) + BigInt(each));
  }
  return sums;
}

function entriesOf(value: Json | undefined): (readonly [key: string, value: number | string])[] {
  if (isScalar(value)) return [["", value]];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, each]) => isScalar(each) ? [[key, each]] : []);
}

function isScalar(value: Json | undefined): value is number | string {
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
