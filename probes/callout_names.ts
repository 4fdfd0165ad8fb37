/**
 * From a callout's address in the server's memory to hook point, library and function.
 *
 * @module
 */

import type { ElfSymbol } from "../discovery/code/elf.ts";
import type { Server } from "../discovery/types.ts";
import type { CalloutName, Names } from "../metrics/counted_maps.ts";
import { readProc } from "../system/read_proc.ts";
import type { Preparation } from "./preparation.ts";
import type { Maps } from "./printed_maps.ts";
import { basesOf } from "../discovery/mapped_files.ts";

/** Maps whose keys begin with a hook point's number and a callout's address. */
export const CALLOUT_MAPS: ReadonlySet<string> = new Set(["@callouts", "@callout_steps"]);

/** Numbers the callouts of one server in the order in which they are first called. */
export class CalloutNames {
  readonly #server: Server;
  readonly #hookPoints: readonly string[];
  readonly #functionsOf: Preparation["functionsOf"];
  readonly #numbers = new Map<string, number>();
  readonly #callouts: CalloutName[] = [];
  readonly #hooks: Record<string, string> = {};
  readonly #symbols = new Map<string, Promise<readonly ElfSymbol[]>>();

  /**
   * @param hookPoints by Kea's number, as far as they are known.
   * @param functionsOf the functions that a file exports.
   */
  constructor(
    server: Server,
    hookPoints: readonly string[],
    functionsOf: Preparation["functionsOf"],
  ) {
    this.#functionsOf = functionsOf;
    this.#server = server;
    this.#hookPoints = hookPoints;
  }

  /** Finds the libraries of the callouts in some maps, while the server still has them mapped. */
  async learn(maps: Maps): Promise<void> {
    for (const hook of Object.keys(maps["@parked_time"] ?? {})) {
      const number = hook.split(",")[0]!;
      this.#hooks[number] ??= this.#hookPoint(number);
    }
    const unknown = new Set(
      CALLOUT_MAPS.values().flatMap((map) => Object.keys(maps[map] ?? {})).map(calloutOf)
        .filter((callout) => !this.#numbers.has(callout)),
    );
    if (unknown.size === 0) return;
    const text = await readProc(this.#server.pid, "maps").catch(() => "");
    for (const callout of unknown) {
      const [hook, address] = callout.split(",");
      const { library, name } = await this.#functionAt(Number(address), text);
      this.#numbers.set(callout, this.#callouts.length);
      this.#callouts.push({ hook_point: this.#hookPoint(hook!), library, callout: name });
    }
  }

  /** The key with the callout's number in place of hook point and address. */
  renumbered(key: string): string {
    const callout = calloutOf(key);
    return `${this.#numbers.get(callout) ?? "unknown"}${key.slice(callout.length)}`;
  }

  /** The meaning of the numbers, as in samples. */
  get names(): Pick<Names, "callouts" | "hook_points"> {
    return { callouts: this.#callouts, hook_points: this.#hooks };
  }

  #hookPoint(number: string): string {
    return this.#hookPoints[Number(number)] ?? `hook-${number}`;
  }

  async #functionAt(
    address: number,
    maps: string,
  ): Promise<{ readonly library: string; readonly name: string }> {
    const path = mappedAt(address, maps);
    if (path === null) return { library: "unknown", name: `0x${address.toString(16)}` };
    const offset = address - basesOf(maps).get(path)!;
    const mapped = this.#server.libraries.find((library) => library.path === path);
    const symbols = mapped === undefined ? [] : await this.#symbols.getOrInsertComputed(
      path,
      () => this.#functionsOf(this.#server.pid, mapped.pinnedPath).catch(() => []),
    );
    const found = symbols.find((symbol) => symbol.address === offset);
    return {
      library: path.split("/").at(-1)!,
      name: found?.name ?? `0x${offset.toString(16)}`,
    };
  }
}

function calloutOf(key: string): string {
  return key.split(",", 2).join(",");
}

/** Path of the file that is mapped at an address; null if there is none. */
function mappedAt(address: number, maps: string): string | null {
  for (const line of maps.split("\n")) {
    const match = /^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ [1-9]\d*\s+(.+?)(?: \(deleted\))?$/.exec(
      line,
    );
    if (match === null) continue;
    if (address >= parseInt(match[1]!, 16) && address < parseInt(match[2]!, 16)) return match[3]!;
  }
  return null;
}
