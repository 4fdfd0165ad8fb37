import assert from "node:assert/strict";
import { Accumulator, type HistogramValue } from "../../../export/prometheus/accumulator.ts";
import { textOf } from "../../../export/prometheus/text.ts";
import { documentOf } from "../../../metrics/document_builder.ts";
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
