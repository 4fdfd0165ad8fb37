/**
 * The counter-check: if Kea's own counters say that packets moved, the programs must have seen them.
 *
 * @module
 */

import { keaCounters } from "../discovery/control_channel.ts";
import { controlSocketsOf } from "../discovery/configuration/server_configuration.ts";
import type { Server } from "../discovery/types.ts";
import { bootTime } from "../system/libc.ts";
import type { Maps } from "./printed_maps.ts";

/** How often Kea is asked, milliseconds: it logs a line each time. */
const PAUSE_MS = 60_000;

/** Longest wait for an answer, milliseconds. */
export const PATIENCE_MS = 1000;

/** Packets that may be in Kea's queues: read before the first answer and counted after it. */
const QUEUED = 1000;

/** Kea's counts, by "received" and "sent". */
type Counted = Readonly<Record<"received" | "sent", number>>;

/** The maps in which the programs count packets by direction; each value has its count from bit 40 on. */
const SEEN = { received: "@received", sent: "@sent" } as const;

/** Asks one Kea for its counters, repeatedly. */
export class CounterCheck {
  readonly #socket: string | null;
  readonly #family: Server["family"];
  #first: Counted | null = null;
  #newest: { readonly counted: Counted; readonly at: bigint } | null = null;
  #askedAt = 0;
  #pending: Promise<void> | null = null;

  private constructor(socket: string | null, family: Server["family"]) {
    this.#socket = socket;
    this.#family = family;
  }

  /** Starts when the programs already count: they must see what Kea counts from now on. */
  static async begin({ pid, family }: Server): Promise<CounterCheck> {
    const [socket = null] = await controlSocketsOf(pid).catch(() => []);
    const check = new CounterCheck(socket, family);
    check.ask();
    await check.end();
    return check;
  }

  /** Asks if the last time is long ago, or if this is the last time. */
  askInTime(isLast: boolean): void {
    if (isLast || performance.now() - this.#askedAt >= PAUSE_MS) this.ask();
  }

  /** Asks now, without waiting. Without an answer there is no evidence. */
  ask(): void {
    this.#pending ??= this.#ask().finally(() => this.#pending = null);
  }

  /** Waits a moment for an answer in progress. */
  async end(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<void>((resolve) => timer = setTimeout(resolve, PATIENCE_MS));
    await Promise.race([this.#pending, patience]);
    clearTimeout(timer);
  }

  /**
   * What contradicts a reading; null for nothing.
   *
   * @param nsecs when it was made, by the programs' clock: Kea must have answered before.
   */
  against(nsecs: number, maps: Maps): string | null {
    if (this.#first === null || this.#newest === null || nsecs < this.#newest.at) return null;
    for (const way of ["received", "sent"] as const) {
      const counted = this.#newest.counted[way] - this.#first[way];
      const seen = packetsIn(maps[SEEN[way]]) +
        (way === "received" ? eventsIn(maps["@not_dhcp"]) : 0);
      if (counted > 0 && (seen === 0 || counted > seen + QUEUED)) {
        return `Kea counted ${counted} packets ${way} (pkt${this.#family}-${way}), and of these the ` +
          `programs saw ${seen === 0 ? "none" : `${seen} at most`}: the counts are too low`;
      }
    }
    return null;
  }

  async #ask(): Promise<void> {
    this.#askedAt = performance.now();
    if (this.#socket === null) return;
    try {
      const names = { received: `pkt${this.#family}-received`, sent: `pkt${this.#family}-sent` };
      const counters = await keaCounters(this.#socket, Object.values(names));
      const counted = { received: counters[names.received]!, sent: counters[names.sent]! };
      // After a reset, or for another Kea, compare from now on.
      const isLess = this.#first !== null &&
        (counted.received < this.#first.received || counted.sent < this.#first.sent);
      if (this.#first === null || isLess) this.#first = counted;
      this.#newest = { counted, at: bootTime() };
    } catch {
      // It is asked again next time.
    }
  }
}

/** The packets of a map that counts them from bit 40 on. */
function packetsIn(map: Maps[string] | undefined): number {
  return valuesOf(map).reduce((sum, value) => sum + Number(BigInt.asUintN(64, value) >> 40n), 0);
}

function eventsIn(map: Maps[string] | undefined): number {
  return valuesOf(map).reduce((sum, value) => sum + Number(value), 0);
}

function valuesOf(map: Maps[string] | undefined): bigint[] {
  if (typeof map !== "object" || map === null) return [];
  return Object.values(map).flatMap((value) =>
    typeof value === "number" || typeof value === "string" ? [BigInt(value)] : []
  );
}
