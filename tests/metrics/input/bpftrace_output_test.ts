import assert from "node:assert/strict";
import { type MetricsDocument, parseDocument } from "../../../metrics/document.ts";
import { documentOfBpftrace } from "../../../metrics/input/bpftrace_output.ts";

const FIXTURES = new URL("fixtures/", import.meta.url);
const VERSIONS = ["0.17.0", "0.23.2", "0.27.1"] as const;
const OUTPUTS = await Promise.all(
  VERSIONS.flatMap((version) =>
    (["txt", "ndjson"] as const).map(async (format) => ({
      version,
      format,
      text: await Deno.readTextFile(new URL(`values-bpftrace-${version}.${format}`, FIXTURES)),
    }))
  ),
);

const converted = (text: string) => documentOfBpftrace(text.split("\n"));

/** Everything countable, by metric and labels. */
function amounts({ totals }: MetricsDocument): Record<string, unknown> {
  return Object.fromEntries(totals.map((series) => [
    [series.metric, ...Object.values(series.labels)].join(" "),
    series.kind === "histogram"
      ? Object.fromEntries(series.buckets.map(({ lower, upper, count }) => [
        `${lower}-${upper}`,
        count,
      ]))
      : series.value,
  ]));
}

/** Buckets of powers of two for values, as hist() counts them. */
function powers(...values: readonly number[]): Record<string, number> {
  const buckets: Record<string, number> = {};
  for (const value of values.toSorted((a, b) => a - b)) {
    const lower = value < 2 ? value : 2 ** Math.floor(Math.log2(value));
    const bucket = value < 0
      ? `${-(2 ** 63)}-0`
      : `${lower}-${lower + Math.max(1, value < 2 ? 1 : lower)}`;
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  return buckets;
}

for (const { version, format, text } of OUTPUTS) {
  Deno.test(`documentOfBpftrace() counts what values.bt did, ${version} ${format}`, async () => {
    const document = parseDocument(JSON.parse(JSON.stringify(await converted(text))));
    const isText = format === "txt";
    const key = (number: number, word: string) =>
      isText ? `${number}, ${word}` : `${number},${word}`;
    // In text, an average looks like any number.
    const average = isText ? "" : " average";
    const all = amounts(document);
    const expected: Record<string, unknown> = {
      "@scalar": 5,
      "@negative": -7,
      "@big": 70_368_744_254_321,
      "@bigger": "52776558283178237",
      "@count": 3,
      [`@sum ${key(1, "read")}`]: 5 + 7,
      [`@sum ${key(2, "a,b")}`]: 11,
      "@min": 3,
      "@max": 13,
      [`@avg${average}`]: (4 + 8) / 2,
      [`@avg_by x${average}`]: 6,
      "@stats count": 2,
      "@stats average": 6,
      "@stats total": 12,
      "@stats_by 7 count": 1,
      "@stats_by 7 average": 5,
      "@stats_by 7 total": 5,
      "@hist": powers(-5, 0, 1, 100, 100, 5000, 3_000_000),
      "@hist_by fast": powers(3),
      "@hist_by slow": powers(300, 301),
      // 0.17 has one bucket for all values from 2^31 on; older text does not say so.
      "@huge": version === "0.17.0"
        ? { ...powers(2 ** 31 - 1), [`${2 ** 31}-${2 ** 63}`]: 2 }
        : powers(2 ** 31 - 1, 2 ** 31, 5e9),
      "@lhist": { [`${-(2 ** 63)}-0`]: 1, "0-10": 1, "10-20": 2, [`100-${2 ** 63}`]: 1 },
      "@lhist_by 3": { "2048-3072": 1 },
      "@empty ": 1,
      "@after": powers(77),
      "@of_18": powers(...Array(18).fill(5)),
    };
    for (const [name, value] of Object.entries(expected)) assert.deepEqual(all[name], value, name);
    const ofStrings = document.totals.filter(({ metric }) =>
      ["@quoted", "@name", "@unprintable"].includes(metric)
    );
    assert.equal(ofStrings.length, 3);
    assert.equal(Object.keys(all).length, Object.keys(expected).length + ofStrings.length);
    assert.deepEqual(
      document.capture.not_available.map(({ metric }) => metric).sort(),
      ["@bytes", "@count", "@text", "@tuple", "@when"],
    );
    assert.equal(document.printed?.lines, 3);
    assert.deepEqual(document.printed?.newest.slice(0, 2), [
      "one line of 3 values",
      "half a line, and the rest",
    ]);
  });
}

Deno.test("documentOfBpftrace() names strings alike in text and JSON if bpftrace prints them", async () => {
  const label = async (text: string) => {
    const { totals } = await converted(text);
    return totals.find(({ metric }) => metric === "@quoted")?.labels["key"];
  };
  const of = (version: string) => OUTPUTS.filter((output) => output.version === version);
  for (const { text } of of("0.17.0")) assert.equal(await label(text), 'say "hi"\t[1]: 2');
});

Deno.test("documentOfBpftrace() takes the last printing of a map, and says so", async () => {
  const lines = [
    '{"type": "map", "data": {"@a": {"x": 1, "y": 2}}}',
    '{"type": "map", "data": {"@a": {"y": 5}}}',
  ];
  for (const text of [lines, ["@a[x]: 1", "@a[y]: 2", "", "@a[y]: 5"]]) {
    const { totals, capture } = await documentOfBpftrace(text);
    assert.deepEqual(totals.map(({ labels }) => labels), [{ key: "y" }]);
    assert.deepEqual(capture.not_available, [
      { metric: "@a", why: "It was printed 2 times: the last time is here" },
    ]);
  }
});

Deno.test("documentOfBpftrace() gives lost events and errors of helpers as reasons", async () => {
  const { capture } = await documentOfBpftrace([
    '{"type": "lost_events", "data": {"events": 7}}',
    ...Array(9).fill('{"type": "helper_error", "msg": "Bad address", "helper": "probe_read"}'),
  ]);
  assert.equal(capture.verdict, "PARTIAL");
  assert.deepEqual(capture.reasons, [
    "bpftrace lost events (line 1)",
    ...[2, 3, 4, 5].map((line) => `helper_error: Bad address (line ${line})`),
    "5 more such lines",
  ]);
});

Deno.test("documentOfBpftrace() decodes the maps of our programs, run by hand", async () => {
  const packed = (count: number, sum: number) => (BigInt(count) << 44n) + BigInt(sum);
  const text = [
    "Attaching 2 probes...",
    `@processing[1, 2, 150]: ${packed(3, 1_200_000)}`,
    `@received[1, 1]: ${(3n << 40n) + 900n}`,
    "@slot[17, 5]: 99",
  ];
  const json = [
    `{"type": "map", "data": {"@processing": {"1,2,150": ${packed(3, 1_200_000)}}}}`,
    `{"type": "map", "data": {"@received": {"1,1": ${(3n << 40n) + 900n}}}}`,
    '{"type": "map", "data": {"@slot": {"17,5": 99}}}',
  ];
  for (const lines of [text, json]) {
    const { totals } = await documentOfBpftrace(lines);
    assert.deepEqual(totals.map((each) => [each.metric, Object.values(each.labels).join(" ")]), [
      ["packet_processing_time", "DHCPDISCOVER DHCPOFFER"],
      ["network_traffic", "received raw"],
      ["network_traffic", "received raw"],
    ]);
    const [time, packets, bytes] = totals;
    assert.ok(
      time?.kind === "histogram" && packets?.kind === "counter" && bytes?.kind === "counter",
    );
    assert.deepEqual([time.count, time.sum], [3, 1_200_000]);
    assert.deepEqual([packets.value, bytes.value], [3, 900]);
  }
});

Deno.test("documentOfBpftrace() goes by the family and the stages of our printed program", async () => {
  const packed = (1n << 44n) + 5000n;
  const { server, totals } = await documentOfBpftrace([
    '{"type": "printf", "data": "reading 5\\n"}',
    `{"type": "map", "data": {"@stage": {"1,4,150": ${packed}}}}`,
    `{"type": "map", "data": {"@allocation": {"1,150": ${packed}}}}`,
    '{"type": "printf", "data": "read dhcp6\\n"}',
  ]);
  assert.deepEqual(server, { family: 6 });
  assert.deepEqual(
    totals.map(({ metric, labels }) => [metric, ...Object.values(labels)].join(" ")).sort(),
    ["lease_allocation_time SOLICIT", "packet_stage_time SOLICIT allocate"],
  );
});

Deno.test("documentOfBpftrace() takes names and keys of any kind as plain data", async () => {
  const line = '{"type": "map", "data": {"@a": {"__proto__": 1, "constructor": 2, "": 3}}}';
  const { totals } = await documentOfBpftrace([line]);
  assert.deepEqual(amounts({ totals } as MetricsDocument), {
    "@a __proto__": 1,
    "@a constructor": 2,
    "@a ": 3,
  });
});

for (
  const [what, lines, message] of [
    [
      "JSON that is cut",
      ['{"type": "map", "data": {"@a": 1}}', '{"type": "ma'],
      /line 2 .*not JSON/,
    ],
    [
      "an unknown type",
      ['{"type": "map", "data": {"@a": 1}}', '{"type": "new", "data": 1}'],
      /line 2 .*type "new" is not known/,
    ],
    ["a damaged bar", ["@a: ", "[2, 4)   x |@@|"], /line 2 .*a line of a histogram is damaged/],
    ["a bound of 400 digits", ["@a: ", bar(`[2, ${"4".repeat(400)})`)], /line 2 .*is damaged/],
    ["bars in disorder", ["@a: ", bar("[4, 8)"), bar("[2, 4)")], /line 3 .*histogram is damaged/],
    [
      "counts that may be hexadecimal",
      [
        '{"type": "map", "data": {"@a": {"\\uffffffc3": 6}}}',
        '{"type": "hist", "data": {"@h": [{"min": 4, "max": 7, "count": 12}]}}',
      ],
      /line 2 .*may be hexadecimal/,
    ],
  ] as const
) {
  Deno.test(`documentOfBpftrace() refuses ${what}, with its line`, async () => {
    await assert.rejects(documentOfBpftrace(lines), { name: "BpftraceOutputError", message });
  });
}

function bar(bounds: string): string {
  return `${bounds.padEnd(20)} 1 |${"@".repeat(52)}|`;
}

Deno.test("documentOfBpftrace() reads many maps and many printings in time that grows with them alone", async () => {
  const maps = Array.from({ length: 20_000 }, (_, index) => `@m${index}: ${index}`);
  const { totals } = await documentOfBpftrace([...maps, ...maps]);
  assert.equal(totals.length, maps.length);
  const printings = Array.from({ length: 20_000 }, (_, at) => [`@[a]: ${at}`, `@[b]: ${at + 1}`]);
  const alone = await documentOfBpftrace(["Attaching 1 probe...", ...printings.flat()]);
  assert.deepEqual(amounts(alone), { "@ a": 19_999, "@ b": 20_000 });
  assert.equal(alone.capture.verdict, "COMPLETE");
});

Deno.test("documentOfBpftrace() refuses JSON that is cut off in a map of 20,480 keys", async () => {
  const keys = Array.from({ length: 20_480 }, (_, index) => `"${index},x": ${index}`).join(", ");
  const line = `{"type": "map", "data": {"@a": {${keys}`;
  await assert.rejects(documentOfBpftrace(['{"type": "map", "data": {"@b": 1}}', line]), {
    message: "Cannot read line 2 of bpftrace's output: it is not JSON",
  });
});
