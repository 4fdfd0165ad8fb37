import assert from "node:assert/strict";
import { Accumulator, type HistogramValue } from "../../../export/prometheus/accumulator.ts";
import { textOf } from "../../../export/prometheus/text.ts";
import type { Sample } from "../../../metrics/capture.ts";
import { addingOf, countsOf, NO_NAMES } from "../../../metrics/counted_maps.ts";
import { documentOf } from "../../../metrics/document_builder.ts";
import { bucketOf } from "../../../metrics/histogram.ts";
import { SeriesBook } from "../../../metrics/series_book.ts";
import type { Series } from "../../../metrics/document.ts";
import { recordsOf } from "../../metrics/fixtures/captures.ts";

const counter = (id: string, value: number): Series => ({
  metric: "error_rate",
  family: 4,
  labels: { kind: "exception", id },
  unit: "events",
  kind: "counter",
  value,
});

Deno.test("Accumulator adds windows up to the totals of a real run", async () => {
  const { windows, totals } = await documentOf(await recordsOf("v4"));
  const accumulator = new Accumulator();
  for (const window of windows) accumulator.add("dhcp4", window);
  const families = new Map(accumulator.families().map((each) => [each.family.name, each.series]));
  for (const series of totals) {
    if (series.kind !== "histogram" || series.metric !== "packet_processing_time") continue;
    const found = families.get("packet_processing_seconds")!.find(({ labels }) =>
      labels["message"] === series.labels["message"]
    );
    const { count, sum } = found!.value as HistogramValue;
    assert.deepEqual([count, sum], [BigInt(series.count), BigInt(series.sum!)]);
  }
  const received = families.get("packets_received_total")!.map(({ value }) => value);
  assert.deepEqual(received, [2n * 199n + 3n + 7n + 2n]);
});

Deno.test("Accumulator adds up as other what is beyond its limit, and counts the label sets", () => {
  const accumulator = new Accumulator(2);
  const ids = ["a", "b", "c", "d", "c"];
  accumulator.add("dhcp4", { series: ids.map((id) => counter(id, 1)) });
  accumulator.add("dhcp6", { series: [counter("e", 1)] });
  const families = new Map(accumulator.families().map((each) => [each.family.name, each.series]));
  assert.deepEqual(
    families.get("exceptions_total")!.map(({ labels, value }) => [labels, value]),
    [
      [{ server: "dhcp4", exception: "a" }, 1n],
      [{ server: "dhcp4", exception: "b" }, 1n],
      [{ server: "dhcp4", exception: "other" }, 3n],
      [{ server: "dhcp6", exception: "e" }, 1n],
    ],
  );
  assert.equal(families.get("label_sets_omitted_total")![0]!.value, 2n);
});

Deno.test("textOf() escapes what a server may have put into a label", () => {
  const accumulator = new Accumulator();
  accumulator.add("dhcp4", { series: [counter('a"b\\c\nd', 1)] });
  const text = textOf(accumulator.families(), { format: "prometheus", bucketsPerOctave: 2 });
  assert.match(text, /exception="a\\"b\\\\c\\nd"\} 1\n$/);
  const open = textOf(accumulator.families(), { format: "openmetrics", bucketsPerOctave: 2 });
  assert.match(open, /# TYPE kea_ebpf_exceptions counter\n[^#]*\n# EOF\n$/);
});

Deno.test("Accumulator leaves out what Kea counts for each subnet", () => {
  const statistic = (id: string): Series => ({
    ...counter(id, 1),
    labels: { kind: "statistic", id },
  });
  const accumulator = new Accumulator();
  const ids = ["subnet[7].v4-reservation-conflicts", "pkt4-receive-drop"];
  accumulator.add("dhcp4", { series: ids.map(statistic) });
  assert.deepEqual(accumulator.families()[0]!.series.map(({ labels }) => labels), [
    { server: "dhcp4", statistic: "pkt4-receive-drop" },
  ]);
});

Deno.test("Accumulator has room again when the gauges of a server are dropped", () => {
  const gauge = { name: "queued", type: "gauge", help: "" } as const;
  const accumulator = new Accumulator(1);
  for (let times = 0; times < 3; times++) {
    accumulator.set(gauge, { server: "dhcp4", socket: `socket ${times}` }, 1n);
    accumulator.dropGauges("dhcp4");
  }
  assert.deepEqual(accumulator.families(), []);
});

Deno.test("Accumulator forgets a server, and has room for it again", () => {
  const accumulator = new Accumulator(1);
  for (let times = 0; times < 3; times++) {
    accumulator.add("dhcp4@a", { series: [counter(`${times}`, 1)] });
    accumulator.add("dhcp4", { series: [counter("a", 1)] });
    accumulator.forget("dhcp4@a");
  }
  const [exceptions] = accumulator.families();
  assert.deepEqual(exceptions!.series.map(({ labels, value }) => [labels, value]), [
    [{ server: "dhcp4", exception: "a" }, 3n],
  ]);
});

/** The classic buckets of clients that say they have waited, by upper bound. */
function waitingOf(rows: Sample["maps"][string], family: 4 | 6): Map<string, number> {
  const accumulator = new Accumulator();
  const book = new SeriesBook(family);
  for (const row of rows) {
    const { count, sum } = countsOf("@client_waiting", row);
    const words = { family, hasFineStages: false, operations: [], names: NO_NAMES };
    addingOf("@client_waiting", row, words)!(book, row, count, sum);
  }
  accumulator.add("dhcp4", { series: book.series() });
  const text = textOf(accumulator.families(), { format: "prometheus", bucketsPerOctave: 2 });
  const lines = text.matchAll(/client_waiting_seconds_bucket\{.*le="(.+)"\} (\d+)/g);
  return new Map(Array.from(lines, ([, le, count]) => [le!, Number(count)]));
}

Deno.test("Accumulator has the whole seconds that clients say in buckets that hold them, bounds included", () => {
  const seconds = [0, 1, 2, 8, 15, 16, 63, 65_535];
  const found = waitingOf(seconds.map((each) => [1, bucketOf(each), 1, each]), 4);
  for (const [le, count] of found) {
    assert.equal(
      count,
      seconds.filter((each) => each <= Number(le.replace("+Inf", "1e9"))).length,
      le,
    );
  }
  assert.deepEqual([...found.keys()].slice(0, 6), ["0", "1", "2", "4", "8", "15"]);
});

Deno.test("Accumulator has hundredths of seconds as seconds, those at a bound perhaps above it", () => {
  const hundredths = [0, 3, 95, 207, 65_535];
  const found = waitingOf(hundredths.map((each) => [1, bucketOf(each), 1, each]), 6);
  const counts = ["0", "1", "2", "4", "511", "1023", "+Inf"].map((le) => found.get(le));
  assert.deepEqual(counts, [1, 3, 3, 4, 4, 5, 5]);
});
