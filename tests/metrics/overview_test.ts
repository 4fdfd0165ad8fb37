import assert from "node:assert/strict";
import fc from "fast-check";
import type { Series, Window } from "../../metrics/document.ts";
import { bucketOf } from "../../metrics/histogram.ts";
import { mergedWindows, overviewOf } from "../../metrics/overview.ts";
import { recordsOf } from "./fixtures/captures.ts";
import { SeriesBook, seriesKey } from "../../metrics/series_book.ts";
import { documentOf } from "../../metrics/document_builder.ts";

const TIME = { metric: "packet_processing_time", labels: { message: "DHCPDISCOVER" }, unit: "ns" };
const COUNT = { metric: "error_rate", labels: { kind: "unanswered" }, unit: "events" };
const GAUGE = { metric: "cpu_usage", labels: { thread: "main" }, unit: "ratio" };

/** A window of one second in which these times came, and a gauge had this value. */
function windowOf(second: number, times: readonly number[], ratio = 0): Window {
  const book = new SeriesBook(4);
  for (const time of times) book.addToBucket(TIME, bucketOf(time), 1, time);
  book.set(GAUGE, ratio, 1);
  const at = (seconds: number) => new Date(seconds * 1000).toISOString();
  return { start: at(second), end: at(second + 1), series: book.series() };
}

function histogram(series: readonly Series[]) {
  const found = series.find(({ kind }) => kind === "histogram");
  return found?.kind === "histogram" ? found : null;
}

Deno.test("mergedWindows() gives windows back as they came while there is room", () => {
  const windows = [windowOf(0, [100, 3000]), windowOf(1, []), windowOf(2, [7])];
  assert.deepEqual(mergedWindows(windows, 4), windows);
});

Deno.test("mergedWindows() keeps every event, whatever it merges", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.integer({ min: 0, max: 1e10 }), { maxLength: 5 }), { maxLength: 60 }),
      fc.integer({ min: 1, max: 4 }).map((half) => 2 * half),
      (times, limit) => {
        const merged = mergedWindows(times.map((each, second) => windowOf(second, each)), limit);
        assert.ok(merged.length <= limit);
        assert.equal(merged[0]?.start ?? null, times.length === 0 ? null : windowOf(0, []).start);
        merged.slice(1).forEach((window, index) => assert.equal(window.start, merged[index]!.end));

        const whole = new SeriesBook(4);
        for (const time of times.flat()) whole.addToBucket(TIME, bucketOf(time), 1, time);
        const found = mergedWindows(merged, 2).flatMap(({ series }) => histogram(series) ?? []);
        const expected = histogram(whole.series());
        assert.equal(found.reduce((sum, { count }) => sum + count, 0), expected?.count ?? 0);
        assert.equal(
          found.reduce((sum, each) => sum + Number(each.sum), 0),
          Number(expected?.sum ?? 0),
        );
        if (expected !== null) {
          assert.equal(Math.min(...found.map(({ min }) => min)), expected.min);
          assert.equal(Math.max(...found.map(({ max }) => max)), expected.max);
        }
      },
    ),
  );
});

Deno.test("mergedWindows() weighs the mean of a gauge by time, and keeps its extremes", () => {
  const windows = Array.from({ length: 6 }, (_, second) => windowOf(second, [], second));
  const gauges = mergedWindows(windows, 2).map(({ series }) =>
    series.find(({ kind }) => kind === "gauge")
  );
  assert.deepEqual(
    gauges.map((gauge) =>
      gauge?.kind === "gauge" ? [gauge.value, gauge.min, gauge.max, gauge.mean] : null
    ),
    [[3, 0, 3, 1.5], [5, 4, 5, 4.5]],
  );
});

Deno.test("mergedWindows() adds integers beyond 2^53 exactly", () => {
  const series = (value: number | string): Series => ({
    ...COUNT,
    family: 4,
    kind: "counter",
    value,
  });
  const { start, end } = windowOf(0, []);
  const values = [2 ** 53 - 1, 1, "1", 0];
  const windows = values.map((value) => ({ start, end, series: [series(value)] }));
  assert.deepEqual(
    mergedWindows(windows, 2).map(({ series }) => series),
    [[series("9007199254740992")], [series(1)]],
  );
});

Deno.test("overviewOf() merges the windows of a capture as mergedWindows() those of its document", async () => {
  const records = await recordsOf("v4");
  const asyncRecords = async function* () {
    yield* records;
  };
  for (const limit of [1, 2, 4, 240]) {
    const merged = await overviewOf(asyncRecords(), limit);
    const whole = await documentOf(records);
    const expected = mergedWindows(whole.windows, limit);
    const sorted = (windows: readonly Window[]) =>
      windows.map(({ start, end, series }) => ({
        start,
        end,
        series: series.filter(({ kind }) => kind === "counter").map((each) => [
          seriesKey(each),
          each.kind === "counter" ? Number(Number(each.value).toFixed(6)) : null,
        ]).sort(),
        histograms: series.filter(({ kind }) => kind === "histogram").map((each) =>
          each.kind === "histogram" ? [seriesKey(each), each.count, each.sum, each.buckets] : []
        ).sort(),
      }));
    assert.deepEqual(sorted(merged.windows), sorted(expected), `limit ${limit}`);
    assert.deepEqual(merged.totals, whole.totals);
  }
});
