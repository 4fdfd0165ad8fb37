import assert from "node:assert/strict";
import {
  jsonSchema,
  type MetricsDocument,
  parseDocument,
  type Series,
} from "../../metrics/document.ts";
import { documentOf, METRICS } from "../../metrics/document_builder.ts";
import { CAPTURES, type Kind, recordsOf } from "./fixtures/captures.ts";

const document = async (kind: Kind = "v4") => await documentOf(await recordsOf(kind));

function amounts({ totals }: MetricsDocument, metric: string, unit?: string) {
  return Object.fromEntries(
    totals.filter((series) => series.metric === metric && (unit ?? series.unit) === series.unit)
      .map((series) => [
        Object.values(series.labels).join(" "),
        series.kind === "histogram" ? series.count : Number(series.value),
      ]),
  );
}

Deno.test("documentOf() counts a real run exactly", async () => {
  const real = await document();
  assert.deepEqual(amounts(real, "packet_processing_time"), {
    "DHCPDISCOVER DHCPOFFER": 199 + 7,
    "DHCPREQUEST DHCPACK": 199,
  });
  assert.deepEqual(amounts(real, "network_traffic", "packets"), {
    "received raw": 2 * 199 + 3 + 7 + 2,
    "sent raw": 2 * 199 + 7,
  });
  assert.deepEqual(amounts(real, "lease_allocation_time"), {
    DHCPDISCOVER: 199 + 7,
    DHCPREQUEST: 199,
  });
  assert.equal(amounts(real, "database_query_time")["memfile addLease4"], 199);
  assert.equal(amounts(real, "database_query_time")["memfile lease_file_write"], 199);
  assert.deepEqual(amounts(real, "error_rate"), {
    "not_dhcp raw": 5,
    "exception isc::Unexpected": 5,
    "statistic pkt4-parse-failed": 5,
    "statistic pkt4-receive-drop": 7,
    "kernel_drop raw": 0,
    "unanswered DHCPDISCOVER": 0,
    "unanswered DHCPREQUEST": 0,
    "unanswered unknown": 2,
    "late DHCPDISCOVER": 0,
    "late DHCPREQUEST": 0,
    "late unknown": 0,
  });
});

Deno.test("documentOf() counts a real run of DHCPv6 exactly", async () => {
  const real = await document("v6");
  assert.deepEqual(amounts(real, "packet_processing_time"), {
    "SOLICIT ADVERTISE": 97,
    "REQUEST REPLY": 97,
  });
  assert.deepEqual(amounts(real, "network_traffic", "packets"), {
    "received udp": 2 * 97,
    "sent udp": 2 * 97,
  });
  assert.deepEqual([real.server.version, real.server.family], ["2.6.3", 6]);
});

Deno.test("documentOf() counts a real run with a database exactly", async () => {
  const real = await document("sql");
  const statements = amounts(real, "database_query_time");
  assert.equal(statements["postgresql insert_lease4"], 97);
  assert.equal(statements["postgresql get_lease4_addr"], 3 * 97);
  assert.equal(real.server.version, "3.0.4");
});

for (const kind of Object.keys(CAPTURES) as Kind[]) {
  Deno.test(`documentOf() loses no request of a real run, ${kind}`, async () => {
    const { totals, ledger } = await document(kind);
    const sum = (name: string) =>
      totals.filter(({ metric, labels }) => metric === "error_rate" && labels["kind"] === name)
        .reduce(
          (count, series) => count + (series.kind === "counter" ? Number(series.value) : 0),
          0,
        );
    assert.deepEqual([sum("unanswered"), sum("late")], [kind === "v4" ? 2 : 0, 0]);
    assert.equal(ledger!.pending, undefined);
    assert.equal(ledger!.requests_not_seen, undefined);
  });
}

Deno.test("documentOf() adds the windows of a real run up to its totals", async () => {
  const { windows, totals } = await document();
  const sums = (series: readonly Series[]) => {
    const byName = new Map<string, number>();
    for (const each of series) {
      if (each.kind === "gauge") continue;
      const name = JSON.stringify([each.metric, each.unit, each.labels]);
      const amount = Number(each.kind === "histogram" ? each.sum : each.value);
      byName.set(name, (byName.get(name) ?? 0) + amount);
    }
    // Seconds are sums of floating point numbers.
    return new Map([...byName].map(([name, sum]) => [name, Number(sum.toFixed(9))]));
  };
  assert.deepEqual(sums(windows.flatMap(({ series }) => series)), sums(totals));
});

Deno.test("documentOf() sees all seven metrics in a real run, and its document keeps its schema", async () => {
  const real = await document();
  const seen = new Set(real.totals.map(({ metric }) => metric));
  assert.deepEqual(METRICS.filter((metric) => !seen.has(metric)), []);
  assert.equal(real.capture.verdict, "COMPLETE");
  assert.deepEqual(parseDocument(JSON.parse(JSON.stringify(real))), real);
});

Deno.test("documentOf() has the mean of each histogram of a real run between its extremes", async () => {
  for (const series of (await document()).totals) {
    if (series.kind !== "histogram") continue;
    const mean = Number(series.sum) / series.count;
    assert.ok(series.min <= mean && mean <= series.max, JSON.stringify(series.labels));
  }
});

Deno.test("parseDocument() names the first place that breaks the schema", async () => {
  const real = await document();
  assert.throws(() => parseDocument({ ...real, totals: [{ kind: "counter" }] }), {
    name: "DocumentError",
    message: /^Cannot read the metrics document: totals\.0\.metric: /,
  });
  assert.throws(() => parseDocument({ ...real, schema: "kea-metrics/2" }), {
    message: /^Cannot read the metrics document: schema: /,
  });
});

for (
  const [what, change, message] of [
    [
      "a sum that is no integer",
      { sum: 0.03 },
      /sum: expected an integer, in quotes beyond 2\^53$/,
    ],
    [
      "a quantile above 1",
      { quantiles: [{ q: 1.5, value: 1, lower: 1, upper: 2 }] },
      /quantiles\.0\.q: Too big: expected number to be <=1$/,
    ],
    ["no quantiles", { quantiles: [] }, /quantiles: expected the quantiles 0\.5, 0\.9, 0\.95, /],
    ["no buckets", { buckets: [] }, /buckets: Too small: expected array to have >=1 items$/],
  ] as const
) {
  Deno.test(`parseDocument() refuses a histogram with ${what}, in one line`, async () => {
    const real = await document();
    const [series] = real.totals.filter(({ kind }) => kind === "histogram");
    assert.throws(() => parseDocument({ ...real, totals: [{ ...series, ...change }] }), {
      name: "DocumentError",
      message,
    });
  });
}

Deno.test("metrics.schema.json is what the types generate", async () => {
  const file = new URL("../../metrics/metrics.schema.json", import.meta.url);
  assert.deepEqual(
    JSON.parse(await Deno.readTextFile(file)),
    JSON.parse(JSON.stringify(jsonSchema())),
    "write jsonSchema() to metrics/metrics.schema.json",
  );
});
