/**
 * From which time on a packet of a server is slow.
 *
 * @module
 */

import type { Server } from "../../discovery/types.ts";
import { learnThreshold } from "../../probes/slow_threshold.ts";
import type { SlowOptions, WatchOptions } from "../../probes/watch.ts";

/** Which packets are listed one by one. */
export interface SlowSettings {
  /** Milliseconds; `auto` measures the p99.9 of each server before it is watched for the first time. */
  readonly threshold: number | "auto";
  /** Whether clients and transactions are hashed. */
  readonly redacts: boolean;
}

/** Remembers what was measured, by the names of servers. */
export class SlowThresholds {
  readonly #settings: SlowSettings;
  readonly #learned = new Map<string, number>();

  constructor(settings: SlowSettings) {
    this.#settings = settings;
  }

  /**
   * The threshold for a server; the first time `auto` measures for up to 10 s.
   *
   * @param name the label `server`.
   */
  async of(
    name: string,
    server: Server,
    how: Pick<WatchOptions, "bpftrace" | "signal" | "say" | "preparation">,
  ): Promise<SlowOptions> {
    const { threshold, redacts } = this.#settings;
    if (threshold !== "auto") return { thresholdNs: Math.round(threshold * 1e6), redacts };
    const known = this.#learned.get(name);
    if (known !== undefined) return { thresholdNs: known, redacts };
    const { thresholdNs, packets } = await learnThreshold({
      ...how,
      server,
      restartGraceMs: 0,
    });
    // A server without traffic is asked again the next time.
    if (packets > 0) this.#learned.set(name, thresholdNs);
    return { thresholdNs, redacts };
  }
}
