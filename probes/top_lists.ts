/**
 * The clients and relays that send most.
 *
 * @module
 */

import type { Row } from "../metrics/counted_maps.ts";
import type { Sample } from "../metrics/capture.ts";
import { bytesOf, clientAddress, relayAddress } from "./addresses.ts";
import type { Maps } from "./printed_maps.ts";

/** The maps with them; their keys are whether the count is a lower bound, and length and bytes of the address. */
export const TOP_MAPS: ReadonlySet<string> = new Set(["@clients", "@relays"]);

/** Each list as a capture names it: the map it is in, and its part of a value. */
const LISTS: readonly (readonly [list: string, map: string, part: (value: bigint) => bigint])[] = [
  ["@clients", "@clients", (value) => value],
  ["@relays", "@relays", (value) => value & (1n << 40n) - 1n],
  ["@relays_again", "@relays", (value) => value >> 40n],
];

/** Options of {@linkcode TopLists}. */
export interface TopOptions {
  readonly family: 4 | 6;
  /** The length of a list. */
  readonly most: number;
  /** How an address is shown. */
  readonly shown: (address: string) => string;
}

/** Picks those that have sent most, from reading to reading of one attachment. */
export class TopLists {
  readonly #options: TopOptions;
  /** By list and key: what was counted before the first reading, and what samples have so far. */
  readonly #reported = new Map<string, Map<string, bigint>>();
  readonly #before = new Map<string, Map<string, bigint>>();

  constructor(options: TopOptions) {
    this.#options = options;
  }

  /** Takes the first reading: what came before it does not count. */
  begin(maps: Maps): void {
    for (const [list, map, part] of LISTS) {
      this.#before.set(list, new Map(countsIn(maps[map], part)));
    }
  }

  /**
   * The rows of a sample: those that have sent most so far, with what came since they were in a sample the last
   * time. One that comes up brings all that it has sent.
   */
  next(maps: Maps): Sample["maps"] {
    const rows: Record<string, Row[]> = {};
    for (const [list, map, part] of LISTS) {
      const reported = this.#reported.getOrInsertComputed(list, () => new Map());
      const before = this.#before.get(list);
      const found = this.#top(
        countsIn(maps[map], part).map(([key, count]) =>
          [key, count - (before?.get(key) ?? 0n)] as const
        ),
        reported,
      ).flatMap(([key, count]): Row[] => {
        const more = Number(count - (reported.get(key) ?? 0n));
        reported.set(key, count);
        return more === 0 ? [] : [[this.#nameOf(map, key), isBound(key) ? 1 : 0, more]];
      });
      if (found.length > 0) rows[list] = found;
    }
    return rows;
  }

  /** The greatest; of equal ones those that were reported before, so that no list changes for nothing. */
  #top(
    counts: readonly (readonly [key: string, count: bigint])[],
    reported: ReadonlyMap<string, bigint>,
  ) {
    const rank = (key: string) => reported.has(key) ? 0 : 1;
    return counts.toSorted(([a, first], [b, second]) =>
      first === second ? rank(a) - rank(b) : first < second ? 1 : -1
    ).slice(0, this.#options.most);
  }

  #nameOf(map: string, key: string): string {
    const { family, shown } = this.#options;
    const [, length, ...words] = key.split(",").map(BigInt);
    const bytes = bytesOf(...words);
    return shown(
      map === "@relays"
        ? relayAddress(family, bytes)
        : clientAddress(family, bytes, Number(length)),
    );
  }
}

function isBound(key: string): boolean {
  return key.startsWith("1,");
}

function countsIn(
  map: Maps[string] | undefined,
  part: (value: bigint) => bigint,
): (readonly [key: string, count: bigint])[] {
  if (typeof map !== "object" || map === null || Array.isArray(map)) return [];
  return Object.entries(map).map(([key, value]) => [key, part(BigInt(value as number | string))]);
}
