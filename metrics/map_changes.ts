/**
 * What changed in the maps between two samples.
 *
 * @module
 */

import type { Sample } from "./capture.ts";
import type { Meaning } from "./map_decoding.ts";

/** A key of a map, "" in a map without keys: one object for all changes of it. */
export interface MapKey {
  readonly map: string;
  readonly key: string;
  /** What it counts, null for nothing: kept here by who found out, since a look-up costs as much. */
  meaning?: Meaning | null | undefined;
}

/** The difference of a key, modulo 2^64, never 0; a number where a double holds it exactly. */
export type Change = readonly [key: MapKey, difference: number | bigint];

/** A sample that tells what changed in its maps since the sample before, the first one since nothing. */
export type ChangedSample = Omit<Sample, "maps"> & { readonly changes: readonly Change[] };

/** Finds what changed between one sample and the next. */
export class MapChanges {
  readonly #keys = new Map<string, Map<string, MapKey>>();

  /** The changes between the maps of two samples. */
  between(before: Sample["maps"], now: Sample["maps"]): Change[] {
    return Object.keys(now).flatMap((map) => {
      const values = new Map(entriesOf(before, map));
      return entriesOf(now, map).flatMap(([key, value]): Change[] => {
        const earlier = values.get(key);
        if (value === earlier) return [];
        const difference = BigInt.asUintN(64, BigInt(value) - BigInt(earlier ?? 0));
        return difference === 0n ? [] : [[this.#key(map, key), exact(difference)]];
      });
    });
  }

  #key(map: string, key: string): MapKey {
    let keys = this.#keys.get(map);
    if (keys === undefined) this.#keys.set(map, keys = new Map());
    let known = keys.get(key);
    if (known === undefined) keys.set(key, known = { map, key, meaning: undefined });
    return known;
  }
}

/** A difference as a number, where a double holds it exactly. */
export function exact(difference: bigint): number | bigint {
  return difference <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(difference) : difference;
}

function entriesOf(maps: Sample["maps"], map: string): [string, string | number][] {
  const value = Object.hasOwn(maps, map) ? maps[map]! : {};
  return Object.entries(typeof value === "object" ? value : { "": value });
}
