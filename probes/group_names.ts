/**
 * The names of what the processing time is split by.
 *
 * @module
 */

import { interfacesOf } from "../discovery/network_addresses.ts";
import { bytesOf, relayAddress } from "./addresses.ts";
import type { Maps } from "./printed_maps.ts";
import type { Renaming } from "./readings.ts";

/** The word for all that are beyond the programs' limit. */
const OTHER = "other";

/** Options of {@linkcode GroupNames}. */
export interface GroupOptions {
  readonly pid: number;
  readonly family: 4 | 6;
  /** How a relay's address is shown. */
  readonly shown: (address: string) => string;
}

/** Finds the names of the groups of one server. */
export class GroupNames {
  readonly #options: GroupOptions;
  readonly #interfaces = new Map<string, string>();

  constructor(options: GroupOptions) {
    this.#options = options;
  }

  /** Finds the names of interfaces that are new in a reading. */
  async learn(maps: Maps): Promise<void> {
    const { pid, family } = this.#options;
    const indexes = new Set(
      Object.keys(maps["@interface_time"] ?? {}).map((key) => wordsOf(key)[0]!),
    );
    if (indexes.values().every((index) => isOther(index) || this.#interfaces.has(String(index)))) {
      return;
    }
    for (const { index, name } of await interfacesOf(pid, family).catch(() => [])) {
      this.#interfaces.set(String(index), name);
    }
    // One that is gone.
    for (const index of indexes) {
      this.#interfaces.getOrInsertComputed(String(index), () => `interface ${index}`);
    }
  }

  /** Names in place of addresses and numbers. */
  get renaming(): Renaming {
    const { family, shown } = this.#options;
    return {
      "@relay_time": (key) => {
        const [start, rest, bucket] = wordsOf(key);
        const address = relayAddress(family, bytesOf(start!, rest!));
        return `${
          isOther(start!) ? OTHER : address === "none" ? address : shown(address)
        },${bucket}`;
      },
      "@interface_time": (key) => {
        const [index, , bucket] = wordsOf(key);
        const name = isOther(index!) ? OTHER : this.#interfaces.get(String(index)) ?? "unknown";
        return `${name},${bucket}`;
      },
    };
  }
}

function isOther(word: bigint): boolean {
  return word === 2n ** 64n - 1n;
}

/** Numbers of 64 bits, which bpftrace may print with a sign. */
function wordsOf(key: string): bigint[] {
  return key.split(",").map((part) => BigInt.asUintN(64, BigInt(part)));
}
