import assert from "node:assert/strict";
import type { HostSample } from "../../metrics/capture.ts";
import { addHost } from "../../metrics/host_series.ts";
import { SeriesBook } from "../../metrics/series_book.ts";

const reading = (steal: number | null, periods: number | null, some: number, full = 0) => ({
  steal_seconds: steal,
  throttled_periods: periods,
  pressure: { cpu: { some, full } },
} satisfies HostSample);

/** The values of the series between two readings. */
function between(before?: HostSample, now?: HostSample): Record<string, number> {
  const book = new SeriesBook(4);
  addHost(book, before, now);
  return Object.fromEntries(
    book.series().map((series) => [
      [series.metric, ...Object.values(series.labels), series.unit].join(" "),
      series.kind === "counter" ? Number(series.value) : NaN,
    ]),
  );
}

Deno.test("addHost() adds what was counted between two readings", () => {
  assert.deepEqual(between(reading(1, 5, 10), reading(1.5, 8, 10.75, 0.25)), {
    "host_steal_time seconds": 0.5,
    "cpu_throttled periods": 3,
    "host_pressure cpu some seconds": 0.75,
    "host_pressure cpu full seconds": 0.25,
  });
});

Deno.test("addHost() adds nothing that is not visible, or that began anew", () => {
  assert.deepEqual(between(reading(null, 5, 10), reading(null, 2, 10)), {
    "host_pressure cpu some seconds": 0,
  });
  assert.deepEqual(between(undefined, reading(1, 1, 1)), {});
});
