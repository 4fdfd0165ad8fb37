/** Sides of a comparison with known truths, from a seed. */

import { bucketOf } from "../../../metrics/histogram.ts";
import { type Side, sideOf } from "../../../metrics/comparison/side.ts";
import type { MetricsDocument, Window } from "../../../metrics/document.ts";
import { SeriesBook } from "../../../metrics/series_book.ts";
import { mulberry32 } from "../../../system/mulberry32.ts";

/** What a made side is like. */
export interface Made {
  readonly seed: number;
  readonly windows?: number;
  readonly perWindow?: number;
  /** Median time, nanoseconds. */
  readonly median?: number;
  /** How much of the disturbance of a window is that of the one before. */
  readonly correlation?: number;
  /** Errors in all windows together, one in each of the first. */
  readonly errors?: number;
  /** Share of the time in which something on the host waited for a CPU. */
  readonly pressure?: number;
  readonly server?: MetricsDocument["server"];
  readonly capture?: Partial<MetricsDocument["capture"]>;
}

/** Normally distributed numbers (Box and Muller). */
export function normal(seed: number): () => number {
  const random = mulberry32(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Values of which each is partly the one before, with standard deviation 1 (AR(1)). */
export function correlated(count: number, correlation: number, next: () => number): number[] {
  const values: number[] = [];
  let value = next();
  for (let each = 0; each < count; each++) {
    values.push(value);
    value = correlation * value + Math.sqrt(1 - correlation ** 2) * next();
  }
  return values;
}

/** A side of packets whose times are log-normal, with disturbances that last several windows. */
export function madeSide(
  {
    seed,
    windows = 30,
    perWindow = 50,
    median = 200_000,
    correlation = 0.3,
    errors = 0,
    pressure = 0.2,
    server = { family: 4, version: "2.2.0", host: "vm" },
    capture = {},
  }: Made,
): Side {
  const next = normal(seed);
  const disturbances = correlated(windows, correlation, next);
  const start = Date.UTC(2026, 0, 1, 12);
  const made = disturbances.map((disturbance, index): Window => {
    const book = new SeriesBook(server.family ?? null);
    const message = server.family === 6 ? "SOLICIT" : "DHCPDISCOVER";
    const time = { metric: "packet_processing_time", labels: { message }, unit: "ns" } as const;
    for (let packet = 0; packet < perWindow; packet++) {
      const taken = Math.round(median * Math.exp(0.05 * disturbance + 0.3 * next()));
      book.addToBucket(time, bucketOf(taken), 1, taken);
    }
    const labels = { direction: "received", socket: "raw" };
    book.add({ metric: "network_traffic", labels, unit: "packets" }, perWindow);
    const kind = { kind: "log", id: "DHCP4_TEST" };
    book.add({ metric: "error_rate", labels: kind, unit: "events" }, index < errors ? 1 : 0);
    const waiting = { metric: "host_pressure", labels: { resource: "cpu", kind: "some" } };
    book.add({ ...waiting, unit: "seconds" }, pressure);
    return {
      start: new Date(start + 1000 * index).toISOString(),
      end: new Date(start + 1000 * (index + 1)).toISOString(),
      series: book.series(),
    };
  });
  return sideOf(`made ${seed}`, documentOf(server, capture), made);
}

function documentOf(
  server: MetricsDocument["server"],
  capture: Partial<MetricsDocument["capture"]>,
): MetricsDocument {
  return {
    schema: "kea-metrics/1",
    server,
    capture: {
      profile: "standard",
      started: null,
      ended: null,
      duration_seconds: null,
      interval_seconds: 1,
      verdict: "COMPLETE",
      reasons: [],
      not_available: [],
      cost: null,
      ...capture,
    },
    windows: [],
    totals: [],
  };
}
