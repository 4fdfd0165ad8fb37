/**
 * What changed in the maps between two samples.
 *
 * @module
 */

import type { Sample } from "./capture.ts";

/** The difference of one key of one map, modulo 2^64, never 0. The key is "" in a map without keys. */
export type Change = readonly [map: string, key: string, difference: bigint];

/** A sample that tells what changed in its maps since the sample before, the first one since nothing. */
export type ChangedSample = Omit<Sample, "maps"> & { readonly changes: readonly Change[] };

/** Finds what changed between the maps of two samples. */
export function changesBetween(before: Sample["maps"], now: Sample["maps"]): Change[] {
  return Object.keys(now).flatMap((map) => {
    const values = new Map(entriesOf(before, map));
    return entriesOf(now, map).flatMap(([key, value]): Change[] => {
      const earlier = values.get(key);
      if (value === earlier) return [];
      const difference = BigInt.asUintN(64, BigInt(value) - BigInt(earlier ?? 0));
      return difference === 0n ? [] : [[map, key, difference]];
    });
  });
}

function entriesOf(maps: Sample["maps"], map: string): [string, string | number][] {
  const value = Object.hasOwn(maps, map) ? maps[map]! : {};
  return Object.entries(typeof value === "object" ? value : { "": value });
}
