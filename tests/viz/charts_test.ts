import assert from "node:assert/strict";
import { readChanges } from "../../metrics/capture_changes.ts";
import type { MetricsDocument } from "../../metrics/document.ts";
import { bucketOf } from "../../metrics/histogram.ts";
import { overviewOf } from "../../metrics/overview.ts";
import { SeriesBook } from "../../metrics/series_book.ts";
import { LAYOUTS } from "../../viz/chart.ts";
import { heatMap } from "../../viz/charts/heat_map.ts";
import { stages } from "../../viz/charts/stages.ts";
import { traffic } from "../../viz/charts/traffic.ts";
import { svgOf } from "../../viz/render.ts";

const REAL = new URL(
  "../metrics/fixtures/kea-2.2.0-bpftrace-0.17.0-deep.ndjson",
  import.meta.url,
);
const real = await overviewOf(readChanges((await Deno.open(REAL)).readable));

/** A document of stages of DHCPDISCOVER: how many packets were in each, and how long one was. */
function documentOf(...all: (readonly [stage: string, count: number, ns: number])[]) {
  const book = new SeriesBook(4);
  for (const [stage, count, ns] of all) {
    const labels = { message: "DHCPDISCOVER", stage };
    const name = { metric: "packet_stage_time", labels, unit: "ns" };
    book.addToBucket(name, bucketOf(ns), count, count * ns);
  }
  return { ...real, totals: book.series() };
}

const ON_ITS_WAY = [
  ["queue", 124, 100_000],
  ["parse", 124, 20_000],
  ["select", 124, 30_000],
  ["allocate", 124, 20_000],
  ["commit", 124, 100_000],
  ["pack", 124, 20_000],
  ["send", 124, 10_000],
] as const;

/** The mean time of a packet by stage, as the table has it. */
function meansOf(document: MetricsDocument): Record<string, string> {
  return Object.fromEntries(stages(document)!.table.rows.map((row) => [row[1], row[4]]));
}

Deno.test("stages() makes one parked packet of 125 a small part of the mean packet's time", () => {
  const document = documentOf(...ON_ITS_WAY, ["other", 1, 1_190_000]);
  const { sentence, spec, table } = stages(document)!;
  assert.match(sentence, /Most of all takes queue of DHCPDISCOVER: 99\.2 us of 307 us, 32\.3 %\.$/);
  const { data } = spec(LAYOUTS[0]!) as { data: { values: { end: number }[] } };
  // The time of all packets by their number.
  assert.equal(Math.round(data.values.at(-1)!.end), (124 * 300_000 + 1_190_000) / 125);
  assert.deepEqual(table.rows.at(-1), [
    "DHCPDISCOVER",
    "other",
    "1",
    "1.19 ms",
    "9.52 us",
    "3.10 %",
  ]);
});

Deno.test("stages() counts packets without an allocation, which have other beside the rest", () => {
  const document = documentOf(["queue", 4, 100], ["select", 1, 400], ["other", 3, 200]);
  assert.deepEqual(meansOf(document), { queue: "100 ns", select: "100 ns", other: "150 ns" });
});

Deno.test("stages() takes the mean of those packets whose stages the standard profile knows", () => {
  const document = documentOf(["before", 9, 60], ["allocate", 9, 30], ["after", 9, 10]);
  assert.deepEqual(meansOf(document), { before: "60.0 ns", allocate: "30.0 ns", after: "10.0 ns" });
});

Deno.test("heatMap() tells in a legend how many packets a colour stands for", async () => {
  for (const layout of LAYOUTS) {
    const svg = await svgOf(heatMap(real)!.spec(layout));
    assert.match(svg, />packets\/s</);
    assert.equal(svg.match(/class="mark-symbol role-legend-symbol"/g)?.length, 4);
  }
});

Deno.test("traffic() shows what was received under what was sent", async () => {
  const svg = await svgOf(traffic(real)!.spec(LAYOUTS[0]!));
  const dashes = [...svg.matchAll(/aria-roledescription="line mark"[^>]*/g)]
    .map(([line]) => /stroke-dasharray="([^"]+)"/.exec(line)?.[1]);
  assert.deepEqual(dashes, ["1,0", "5,6"]);
});
