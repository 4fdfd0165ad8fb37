/**
 * Converts readings of the host to series: steal time, throttling, pressure.
 *
 * @module
 */

import type { HostSample } from "./capture.ts";
import type { OwnSeriesName, SeriesBook } from "./series_book.ts";

/** Adds what the host did between two readings. */
export function addHost(
  book: SeriesBook,
  before: HostSample | undefined,
  now: HostSample | undefined,
): void {
  if (before === undefined || now === undefined) return;
  const add = (name: OwnSeriesName, from: number | null, to: number | null) => {
    // A counter that went down is another one: the server changed its control group.
    if (from !== null && to !== null && to >= from) book.add(name, to - from);
  };
  add(STEAL, before.steal_seconds, now.steal_seconds);
  add(THROTTLED, before.throttled_periods, now.throttled_periods);
  for (const [resource, { some, full }] of Object.entries(now.pressure)) {
    const earlier = before.pressure[resource];
    if (earlier === undefined) continue;
    add(pressure(resource, "some"), earlier.some, some);
    // Mostly none.
    if (full > earlier.full) add(pressure(resource, "full"), earlier.full, full);
  }
}

const STEAL: OwnSeriesName = { metric: "host_steal_time", labels: {}, unit: "seconds" };

const THROTTLED: OwnSeriesName = { metric: "cpu_throttled", labels: {}, unit: "periods" };

const pressure = (resource: string, kind: "some" | "full"): OwnSeriesName => ({
  metric: "host_pressure",
  labels: { resource, kind },
  unit: "seconds",
});
