import assert from "node:assert/strict";
import { Accumulator, type ExposedSeries } from "../../../export/prometheus/accumulator.ts";
import { exposeKnown, exposeSocket } from "../../../export/prometheus/known_series.ts";
import type { CaptureHeader } from "../../../metrics/capture.ts";
import { documentOf } from "../../../metrics/document_builder.ts";
import { recordsOf } from "../../metrics/fixtures/captures.ts";

/** Families whose label sets are all known before the first event of an ordinary exchange. */
const ORDINARY = [
  "packet_processing_seconds",
  "packets_received_total",
  "packets_sent_total",
  "received_bytes_total",
  "sent_bytes_total",
  "requests_unanswered_total",
  "requests_answered_late_total",
  "unmatched_answers_total",
  "sends_refused_total",
  "lease_allocation_seconds",
  "kernel_dropped_packets_total",
];

const labelsOf = (series: readonly ExposedSeries[]) =>
  series.map(({ labels }) => JSON.stringify(Object.entries(labels).sort())).sort();

for (const [name, pairs] of [["v4", 4], ["v6", 8]] as const) {
  Deno.test(`exposeKnown() has every series of ordinary ${name} traffic before its first packet`, async () => {
    const records = await recordsOf(name);
    const accumulator = new Accumulator();
    exposeKnown(accumulator, "kea", records[0] as CaptureHeader);
    for (const socket of name === "v4" ? ["raw", "udp"] : ["udp"]) {
      exposeSocket(accumulator, "kea", socket);
    }
    const before = new Map(accumulator.families().map((each) => [each.family.name, each.series]));
    assert.equal(before.get("packet_processing_seconds")!.length, pairs);
    for (const { value } of [...before.values()].flat()) {
      assert.equal(typeof value === "object" ? value.count : value, 0n);
    }
    const labels = new Map([...before].map(([family, series]) => [family, labelsOf(series)]));
    accumulator.add("kea", { series: (await documentOf(records)).totals });
    for (const { family, series } of accumulator.families()) {
      if (!ORDINARY.includes(family.name)) continue;
      const known = new Set(labels.get(family.name));
      const late = labelsOf(series).filter((each) => !known.has(each));
      assert.deepEqual(late, [], family.name);
    }
  });
}

Deno.test("exposeKnown() has what is left out of the list of slow packets where there is a list", async () => {
  const header = (await recordsOf("v4"))[0] as CaptureHeader;
  for (const [slow_ns, series] of [[undefined, 0], [1_000_000, 1]] as const) {
    const accumulator = new Accumulator();
    exposeKnown(accumulator, "kea", { ...header, slow_ns });
    const found = accumulator.families().filter(({ family }) =>
      family.name === "slow_packets_omitted_total"
    );
    assert.equal(found.length, series);
  }
});
