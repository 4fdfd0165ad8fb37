import assert from "node:assert/strict";
import { readCapture } from "../../../metrics/capture.ts";
import type { MetricsDocument, Series } from "../../../metrics/document.ts";
import { bucketOf } from "../../../metrics/histogram.ts";
import { mergedWindows, overviewOf } from "../../../metrics/overview.ts";
import { SeriesBook } from "../../../metrics/series_book.ts";
import { LAYOUTS } from "../../../viz/charts/chart.ts";
import { chartsOf } from "../../../viz/charts/all.ts";
import { cpu } from "../../../viz/charts/cpu.ts";
import { heatMap } from "../../../viz/charts/heat_map.ts";
import { stages } from "../../../viz/charts/stages.ts";
import { traffic } from "../../../viz/charts/traffic.ts";
import { waits } from "../../../viz/charts/waits.ts";
import { pngOf } from "../../../viz/report/png.ts";
import { svgOf } from "../../../viz/report/svg.ts";
import { pathOf } from "../../metrics/fixtures/captures.ts";

const real = await overviewOf(readCapture((await Deno.open(pathOf("v4"))).readable));

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
  const { caption, spec, table } = stages(document)!;
  assert.match(caption, /The longest is queue of DHCPDISCOVER: 99\.2 us of 307 us, 32\.3 %\.$/);
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

Deno.test("waits() splits the mean packet by what its thread did, in the order of causes", () => {
  const book = new SeriesBook(4);
  for (const [cause, count, ns] of [["disk", 5, 4_000_000], ["running", 10, 100_000]] as const) {
    const labels = { message: "DHCPREQUEST", cause };
    const name = { metric: "packet_wait_time", labels, unit: "ns" };
    book.addToBucket(name, bucketOf(ns), count, count * ns);
  }
  const { caption, table } = waits({ ...real, totals: book.series() })!;
  assert.deepEqual(table.rows.map((row) => [row[1], row[4]]), [
    ["running", "100 us"],
    ["disk", "2.00 ms"],
  ]);
  assert.match(caption, /The longest is disk of DHCPREQUEST: 2\.00 ms of 2\.10 ms, 95\.2 %\.$/);
});

Deno.test("heatMap() shows in a legend how many packets a colour means", async () => {
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

const at = (time: number) => new Date(time).toISOString();

/** A document of windows of a second that start at these times, milliseconds. */
function windowsAt(times: readonly number[], fill: (book: SeriesBook) => void): MetricsDocument {
  const windows = times.map((time) => {
    const book = new SeriesBook(4);
    fill(book);
    return { start: at(time), end: at(time + 1000), series: book.series() };
  });
  return { ...real, windows, totals: mergedWindows(windows, 1)[0]!.series };
}

const NAME = "boost::wrapexcept<isc::dhcp::" + "Something".repeat(14) + ">";

/** Every kind of name that comes from outside, so long. */
function fillNames(name: (index: number) => string) {
  return (book: SeriesBook) => {
    for (let index = 0; index < 3; index++) {
      const long = name(index);
      const ns = (metric: string, labels: Record<string, string>) =>
        book.addToBucket({ metric, labels, unit: "ns" }, 100 + index, 3, 1e6);
      ns("packet_processing_time", { message: long, answer: "DHCPOFFER" });
      ns("packet_stage_time", { message: long, stage: long });
      ns("hook_callout_time", { hook_point: "pkt4_receive", library: long });
      book.add(
        { metric: "error_rate", labels: { kind: "exception", id: long }, unit: "events" },
        3,
      );
      book.set(
        { metric: "cpu_usage", labels: { thread: long, mode: "user" }, unit: "ratio" },
        0.5,
        1,
      );
      book.set({ metric: "memory_usage", labels: { kind: long }, unit: "bytes" }, 1e6, 1);
    }
  };
}

/** Where each plot of a drawing starts and how wide it is, and how wide the drawing is, pixels. */
function roomOf(svg: string) {
  const width = Number(/<svg [^>]*?width="(\d+)"/.exec(svg)![1]);
  const plots = [...svg.matchAll(/class="background"[^>]*? d="M[\d.-]+,[\d.-]+h([\d.]+)v/g)]
    .map(([, plot]) => Number(plot));
  return { width, plot: Math.max(...plots) };
}

for (const length of [40, 120, 150]) {
  Deno.test(`charts leave the plot its room beside names of ${length} characters, all different`, async () => {
    const name = (index: number) => `${NAME.slice(0, length - 2)}${index}>`;
    const document = windowsAt([1.7e12, 1.7e12 + 1000], fillNames(name));
    for (const chart of chartsOf(document)) {
      for (const layout of LAYOUTS) {
        const { width, plot } = roomOf(await svgOf(chart.spec(layout)));
        assert.ok(width <= layout.width + 30, `${chart.id} ${layout.name}: ${width} pixels wide`);
        assert.ok(plot >= 0.4 * layout.width, `${chart.id} ${layout.name}: a plot of ${plot}`);
      }
    }
    const svg = await svgOf(
      chartsOf(document).find(({ id }) => id === "errors")!.spec(LAYOUTS[0]!),
    );
    const legend = [...svg.matchAll(/>(exception [^<]*\u2026[^<]*|exception boost[^<]*)</g)];
    assert.equal(new Set(legend.map(([, text]) => text)).size, 3);
  });
}

Deno.test("charts of days have dates on their axis and in their tables, and show a gap", async () => {
  const start = Date.parse("2026-11-20T22:00:00Z");
  const times = [0, 1000, 2000, 3 * 86_400_000, 3 * 86_400_000 + 1000].map((later) =>
    start + later
  );
  const document = windowsAt(times, fillNames((index) => `DHCP${index}`));
  for (const chart of chartsOf(document)) {
    const svg = await svgOf(chart.spec(LAYOUTS[0]!));
    if (svg.includes(">UTC<")) assert.match(svg, />11-2\d \d\d:\d\d</, chart.id);
  }
  const { spec, table, caption } = heatMap(document)!;
  assert.deepEqual(table.rows.map(([time]) => time), [
    "2026-11-20 22:00:00",
    "2026-11-23 22:00:00",
  ]);
  assert.match(caption, /Grey: not watched\.$/);
  const svg = await svgOf(spec(LAYOUTS[0]!));
  const widths = [
    ...svg.matchAll(/aria-roledescription="rect mark"[^>]*? d="M[\d.-]+,[\d.-]+h([\d.]+)/g),
  ]
    .map(([, width]) => Number(width));
  assert.ok(widths.length >= 3 && Math.min(...widths) > 1, String(widths));
  assert.ok(Math.max(...widths) > 700, String(widths));
});

Deno.test("charts of values that are all the same have numbers on their axes", async () => {
  const document = windowsAt([1.7e12, 1.7e12 + 1000], (book) => {
    const labels = { message: "DHCPDISCOVER", answer: "DHCPOFFER" };
    book.addToBucket({ metric: "packet_processing_time", labels, unit: "ns" }, 120, 3, 1e6);
  });
  for (const chart of chartsOf(document)) {
    const svg = await svgOf(chart.spec(LAYOUTS[0]!));
    const times = svg.match(/>[\d.]+ [num]s</g) ?? [];
    assert.ok(times.length >= 2, `${chart.id}: ${times}`);
  }
  assert.match(await svgOf(chartsOf(document).at(-1)!.spec(LAYOUTS[0]!)), />p50, p99</);
});

Deno.test("charts of characters that no XML may hold are XML, and become PNG", async () => {
  const hostile = "\ufffe\uffff\ud800x\udfff\u0000\u000b\u{1fffe}<&>\"'\u{1f600}\u0301";
  const document = windowsAt([1.7e12, 1.7e12 + 1000], fillNames((index) => hostile + index));
  for (const chart of chartsOf(document)) {
    const svg = await svgOf(chart.spec(LAYOUTS[0]!));
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(svg, /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Cs}/u, chart.id);
    assert.ok((await pngOf(svg)).length > 1000, chart.id);
  }
});

Deno.test("cpu() counts thousands of threads in one walk through each window", () => {
  let reads = 0;
  const document = windowsAt([1.7e12, 1.7e12 + 1000], (book) => {
    for (let thread = 0; thread < 3000; thread++) {
      const labels = { thread: `thread-${thread}`, mode: "user" };
      book.set({ metric: "cpu_usage", labels, unit: "ratio" }, thread / 10_000, 1);
    }
  });
  const counting = (series: readonly Series[]) =>
    series.map((each) =>
      new Proxy(each, {
        get: (target, name) => {
          reads++;
          return Reflect.get(target, name);
        },
      })
    );
  const chart = cpu({
    ...document,
    windows: document.windows.map((each) => ({ ...each, series: counting(each.series) })),
  })!;
  assert.match(chart.caption, /the busiest window of one thread was 30\.0 % \(thread-2999\)/);
  assert.ok(reads < 20 * 2 * 3000, `${reads} reads`);
});
