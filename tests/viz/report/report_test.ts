import assert from "node:assert/strict";
import { readCapture } from "../../../metrics/capture.ts";
import type { MetricsDocument, Series } from "../../../metrics/document.ts";
import { mergedWindows, overviewOf } from "../../../metrics/overview.ts";
import { SeriesBook } from "../../../metrics/series_book.ts";
import { chartsOf } from "../../../viz/charts/all.ts";
import { LAYOUTS } from "../../../viz/charts/chart.ts";
import { svgOf } from "../../../viz/report/svg.ts";
import { report } from "../../../viz/report/report.ts";
import { HEALTHY, madeDocument, withTime } from "../../metrics/findings/made_document.ts";
import { pathOf } from "../../metrics/fixtures/captures.ts";

const real = await overviewOf(readCapture((await Deno.open(pathOf("v4"))).readable));

/** The page of a document, with all its drawings. */
async function pageOf(document: MetricsDocument): Promise<string> {
  const drawn = [];
  for (const chart of chartsOf(document)) {
    const svgs = new Map<string, string>();
    for (const layout of LAYOUTS) svgs.set(layout.name, await svgOf(chart.spec(layout)));
    drawn.push({ chart, svgs });
  }
  return report(document, drawn);
}

const at = (seconds: number) => new Date(1.7e12 + 1000 * seconds).toISOString();

/** A document of windows of one second. */
function documentOf(...windows: readonly Series[][]): MetricsDocument {
  const all = windows.map((series, second) => ({
    start: at(second),
    end: at(second + 1),
    series,
  }));
  return {
    ...real,
    capture: { ...real.capture, cost: null, not_available: [] },
    windows: all,
    totals: mergedWindows(all, 1)[0]?.series ?? [],
  };
}

function series(build: (book: SeriesBook) => void): Series[] {
  const book = new SeriesBook(4);
  build(book);
  return book.series();
}

const TIME = {
  metric: "packet_processing_time",
  labels: { message: "DHCPDISCOVER", answer: "DHCPOFFER" },
  unit: "ns",
};

Deno.test("report() of a real run is self-contained and describes each chart", async () => {
  const page = await pageOf(real);
  assert.doesNotMatch(page, /(?:src|href)=["']?(?!data:|#)|@import|<script|<link|<iframe/i);
  assert.match(page, /Content-Security-Policy" content="default-src 'none'/);
  assert.equal(page.match(/<figure /g)?.length, chartsOf(real).length);
  assert.equal(page.match(/role="img" aria-label="[^"]{40,}"/g)?.length, 2 * chartsOf(real).length);
  assert.match(page, /<h1>Kea DHCPv4 on [^<]+<\/h1>/);
  assert.match(page, /Slowest: DHCP\w+ \u2192 DHCP\w+, p99 between [\d.]+ [mun]s and/);
  assert.match(page, /Lost of [\d,]+ received: [\d,]+ requests? got no answer/);
  assert.match(page, /Monitoring overhead: [\d.]+ % of one core, all processes of the host/);
  const ids = [...page.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length, "an id is there twice");
});

Deno.test("report() is the same page every time", async () => {
  assert.equal(await pageOf(real), await pageOf(real));
});

const EVIL = `<script>alert(1)</script>"'&\u202e\u0000\u001b[2J\u2028${"x".repeat(300)}</svg>`;

Deno.test("report() escapes everything that comes from outside", async () => {
  const document = documentOf(series((book) => {
    for (let index = 0; index < 9; index++) {
      const labels = { message: `${EVIL}${index}`, answer: EVIL, stage: EVIL, backend: EVIL };
      for (const metric of ["packet_processing_time", "lease_allocation_time"]) {
        book.addToBucket({ metric, labels, unit: "ns" }, 100 + index, 3, 1e6);
      }
      book.addToBucket({ metric: "packet_stage_time", labels, unit: "ns" }, 100, 1, 1e5);
      book.addToBucket({ metric: "database_query_time", labels, unit: "ns" }, 100, 1, 1e5);
      book.add({ metric: "error_rate", labels: { kind: EVIL, id: EVIL }, unit: "events" }, 3);
      const thread = `${EVIL}${index}`;
      book.set({ metric: "cpu_usage", labels: { thread, mode: "user" }, unit: "ratio" }, 0.5, 1);
      book.set({ metric: "memory_usage", labels: { kind: EVIL }, unit: "bytes" }, 1e6, 1);
      const direction = { direction: EVIL, socket: EVIL };
      book.add({ metric: "network_traffic", labels: direction, unit: "packets" }, 5);
    }
  }));
  const page = await pageOf({
    ...document,
    server: { host: EVIL, version: EVIL, executable: EVIL },
    capture: {
      ...document.capture,
      ...{ profile: EVIL, verdict: "PARTIAL", reasons: [EVIL] },
      not_available: [{ metric: EVIL, why: EVIL }],
    },
  });
  assert.doesNotMatch(page, /<script|alert\(1\)<\/|"'&[^#a]/);
  assert.equal(page.match(/<\/svg>/g)?.length, page.match(/<svg /g)?.length);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(page, /[\u202e\u2028\u0000-\u0008\u001b]/);
});

Deno.test("report() draws one event in one window so that it can be seen", async () => {
  const document = documentOf(series((book) => book.addToBucket(TIME, 120, 1, 300_000)));
  const page = await pageOf(document);
  const ids = chartsOf(document).map(({ id }) => id);
  assert.deepEqual(ids, ["processing-time", "latency-heat-map", "distribution"]);
  const svg = await svgOf(chartsOf(document)[0]!.spec(LAYOUTS[0]!));
  // A point for each percentile; a line of one point would not be seen.
  assert.equal(svg.match(/aria-roledescription="point"/g)?.length, 3);
  assert.doesNotMatch(page, /NaN|Infinity|undefined|null/);
});

/** The sentence over the ledger of a document. */
async function accountOf(ledger: Partial<NonNullable<MetricsDocument["ledger"]>>): Promise<string> {
  const empty = documentOf();
  const page = await pageOf({
    ...empty,
    ledger: { ...real.ledger!, refused: {}, unexplained: 0, ...ledger },
  });
  return /<h2>Where every packet went<\/h2>\n<p>(.*)<\/p>/.exec(page)![1]!;
}

Deno.test("report() says that every packet is accounted for only when a reason is known for each", async () => {
  assert.equal(await accountOf({ refused: { no_address: 300 } }), "Every packet is accounted for.");
  assert.equal(
    await accountOf({ refused: { unanswered: 300 } }),
    "300 requests got no answer, and the reason is not known: look in Kea's log, and run " +
      "<code>deno task troubleshoot</code>.",
  );
  assert.equal(await accountOf({ unexplained: 1 }), "1 packet is unexplained.");
  assert.match(await accountOf({ unexplained: null }), /^Only the probes counted these packets/);
  assert.equal(
    await accountOf({ not_watched_seconds: 18.5, not_seen: 572 }),
    "18.5 s were not watched, and 572 packets of the client came in that time.",
  );
  assert.match(
    await accountOf({ refused: { unanswered: 1 }, unexplained: 2 }),
    /^1 request got no answer, .*\. 2 packets are unexplained\.$/,
  );
});

Deno.test("report() counts one slow packet as one", async () => {
  const packet = {
    ...{ time: at(0), message: "DHCPREQUEST", answer: "DHCPACK", duration_ns: 6e6 },
    ...{ transaction: "1", client: "2", stages: {} },
  };
  const sentences = [[packet], [packet, packet]].map(async (packets) => {
    const slow = { threshold_ns: 5e6, packets, omitted: 0 };
    return /<p>(\d packet.*)<\/p>/.exec(await pageOf({ ...documentOf(), slow }))![1];
  });
  assert.deepEqual(await Promise.all(sentences), [
    "1 packet took longer than 5.00 ms.",
    "2 packets took longer than 5.00 ms.",
  ]);
});

Deno.test("report() counts one loss as one", async () => {
  const one = (kind: string) =>
    documentOf(series((book) => {
      book.add({ metric: "error_rate", labels: { kind }, unit: "events" }, 1);
    }));
  assert.match(await pageOf(one("unanswered")), /Lost: 1 request got no answer;/);
  assert.match(await pageOf(one("kernel_drop")), /Lost: 1 packet was dropped by the kernel;/);
  assert.match(await pageOf(one("log")), /Nothing was lost; 1 other error\./);
});

Deno.test("report() of nothing says so", async () => {
  const page = await pageOf(documentOf());
  assert.match(page, /There is nothing to draw/);
  assert.match(page, /No packet was answered/);
});

Deno.test("report() of bpftrace's own output shows what is known", async () => {
  const empty = documentOf();
  const page = await pageOf({
    ...empty,
    server: {},
    capture: {
      ...empty.capture,
      ...{ profile: null, started: null, ended: null, duration_seconds: null },
      interval_seconds: null,
    },
  });
  assert.match(page, /<h1>Kea<\/h1>/);
  assert.doesNotMatch(page, /null|undefined|NaN/);
});

Deno.test("chartsOf() draws 100,000 windows as few, and interrupts lines at gaps", async () => {
  const all = Array.from({ length: 100_000 }, (_, second) => ({
    start: at(second),
    end: at(second + 1),
    series: second % 1000 < 500 ? series((book) => book.addToBucket(TIME, 120, 2, 600_000)) : [],
  }));
  const windows = mergedWindows(all);
  assert.ok(windows.length <= 240);
  const totals = mergedWindows(windows, 1)[0]!.series;
  assert.equal(totals[0]!.kind === "histogram" && totals[0]!.count, 100_000);
  const page = await pageOf({ ...real, windows, totals });
  assert.ok(page.length < 2e6, `${page.length}`);
});

Deno.test("chartsOf() survives numbers beyond any measure", async () => {
  const huge = series((book) => {
    book.addToBucket(TIME, 487, 1, 2 ** 51);
    book.addToBucket(TIME, 0, 2 ** 50, 0);
    book.add({ metric: "error_rate", labels: { kind: "x" }, unit: "events" }, 1e300);
    book.set({ metric: "memory_usage", labels: { kind: "rss" }, unit: "bytes" }, 1e300, 1);
  });
  assert.doesNotMatch(await pageOf(documentOf(huge, huge)), /NaN/);
});

/** Documents that keep the schema and still are not what a run makes. */
const STRANGE: readonly (readonly [what: string, change: (document: MetricsDocument) => void])[] = [
  ["no windows but totals", (document) => document.windows.splice(0)],
  ["one window", (document) => document.windows.splice(1)],
  ["windows in disorder", (document) => document.windows.reverse()],
  ["windows of no length", ({ windows }) => windows.forEach((each) => each.end = each.start)],
  ["no totals", (document) => document.totals.splice(0)],
  ["every series twice", ({ windows }) => {
    for (const window of windows) window.series.push(...structuredClone(window.series));
  }],
  ["no labels", (document) => {
    for (const series of allSeries(document)) series.labels = {};
  }],
  ["histograms without buckets", (document) => {
    for (const series of allSeries(document)) {
      if (series.kind === "histogram") [series.buckets, series.quantiles] = [[], []];
    }
  }],
  ["times below zero", (document) => {
    for (const series of allSeries(document)) {
      if (series.kind !== "histogram") continue;
      for (const bounds of [...series.buckets, ...series.quantiles]) {
        [bounds.lower, bounds.upper] = [-bounds.upper, -bounds.lower];
      }
    }
  }],
  ["counters of forty digits and gauges at the end of numbers", (document) => {
    for (const series of allSeries(document)) {
      if (series.kind === "counter") series.value = "9".repeat(40);
      if (series.kind === "gauge") series.value = series.mean = series.max = 1.7e308;
    }
  }],
];

function allSeries({ windows, totals }: MetricsDocument): Series[] {
  return [...windows.flatMap(({ series }) => series), ...totals];
}

for (const [what, change] of STRANGE) {
  Deno.test(`report() draws a document of ${what} without a broken number`, async () => {
    const document = structuredClone(real);
    change(document);
    assert.doesNotMatch(await pageOf(document), /NaN|Infinity|undefined/);
  });
}

Deno.test("report() puts numbers under their heading, and words under theirs", async () => {
  const page = await pageOf(real);
  const tables = [...page.matchAll(/<table>([^]*?)<\/table>/g)].map(([, table]) => table!);
  assert.ok(tables.length > 8);
  for (const table of tables) {
    const [head, ...rows] = [...table.matchAll(/<tr>(.*?)<\/tr>/g)].map(([, row]) =>
      [...row!.matchAll(/<t[hd]([^>]*)>/g)].map(([, attributes]) => attributes!.includes("words"))
    );
    for (const row of rows) assert.deepEqual(row, head);
  }
  const packets = /<th scope="col"([^>]*)>packets<\/th>/.exec(page)!;
  assert.equal(packets[1], "");
  assert.match(page, /<th scope="col" class="words">of<\/th>/);
});

Deno.test("report() has the numbers of what it has no chart for", async () => {
  const page = await pageOf(documentOf(series((book) => {
    book.add({ metric: "@hits", labels: { key: "a<b" }, unit: "" }, 12_345);
    book.addToBucket({ metric: "@wait", labels: {}, unit: "ns" }, 120, 3, 1e6);
  })));
  assert.match(page, /There is nothing to draw\./);
  assert.match(page, /<h2>Without a chart<\/h2>/);
  assert.match(page, />@hits<\/th><td[^>]*>key=a&#60;b<\/td><td>12,345<\/td>/);
  assert.match(page, />@wait<\/th><td[^>]*><\/td><td>3<\/td><td>[\d.]+ us<\/td>/);
  assert.doesNotMatch(await pageOf(real), /@hits/);
});

Deno.test("report() shows seconds of a counter without a chart as a number, and a large count as it is", () => {
  const pressure = (value: number | string, unit: string): Series => ({
    ...{ metric: "host_pressure", family: 4, labels: { resource: "cpu", kind: "some" } },
    ...{ kind: "counter", unit, value },
  });
  const totals = [
    pressure(0.009999999999999787, "seconds"),
    pressure("9007199254740993", "events"),
  ];
  const page = report({ ...documentOf([]), totals }, []);
  assert.match(page, /<td>0\.01<\/td>/);
  assert.match(page, /<td>9,007,199,254,740,993<\/td>/);
});

Deno.test("report() has the findings at its head, with evidence and remedy", async () => {
  const library = "<b>.so";
  const slow = madeDocument(withTime([
    "hook_callout_time",
    { hook_point: "pkt4_receive", library, callout: "pkt4_receive" },
    "ns",
    1000,
    5e6,
  ]));
  const page = await pageOf(slow);
  const [head] = page.split("</header>");
  assert.match(
    head!,
    /<li class="finding slow"><p><b>SLOW<\/b> The hook library &#60;b&#62;\.so takes 95 % of/,
  );
  assert.match(head!, /<summary>Evidence<span class="unseen"> of finding 1<\/span>/);
  assert.match(head!, /p99 of 1000<\/th><td class="words">4\.98 ms \(4\.72 ms to 5\.24 ms\)/);
  assert.match(await pageOf(madeDocument(HEALTHY)), /Nothing is wrong or slow in what was seen\./);
});
