import assert from "node:assert/strict";
import type { MetricsDocument } from "../../../metrics/document.ts";
import { documentOfBpftrace } from "../../../metrics/input/bpftrace_output.ts";

const VERSIONS = ["0.17.0", "0.23.2", "0.27.1"] as const;
const FORMATS = ["txt", "ndjson"] as const;

type Version = typeof VERSIONS[number];
type Format = typeof FORMATS[number];

const read = (program: string, version: Version, format: Format) =>
  Deno.readTextFileSync(
    new URL(`fixtures/${program}-bpftrace-${version}.${format}`, import.meta.url),
  );

/** Values of a map's keys; those of a histogram by lower bound. */
function valuesOf({ totals }: MetricsDocument, metric: string): Record<string, unknown> {
  const series = totals.filter((each) => each.metric === metric);
  return Object.fromEntries(series.map((each) => [
    Object.values(each.labels).join(" "),
    each.kind === "histogram"
      ? Object.fromEntries(each.buckets.map(({ lower, count }) => [lower, count]))
      : each.value,
  ]));
}

/** One test for what each bpftrace printed for a program in each format. */
function testOf(
  what: string,
  program: string,
  check: (document: MetricsDocument, version: Version, format: Format) => void,
): void {
  Deno.test(`documentOfBpftrace() ${what}: bpftrace 0.17, 0.23 and 0.27`, async () => {
    for (const version of VERSIONS) {
      for (const format of FORMATS) {
        const lines = read(program, version, format).trimEnd().split("\n");
        check(await documentOfBpftrace([...lines, ""]), version, format);
      }
    }
  });
}

testOf(
  "takes the last printing with the keys that are new in it",
  "reprinted",
  (document, version, format) => {
    const isUnsorted = version === "0.27.1" && format === "txt";
    assert.equal(document.capture.verdict, isUnsorted ? "PARTIAL" : "COMPLETE");
    for (const map of ["@count", "@plain"]) {
      assert.deepEqual(valuesOf(document, map), { cron: 1, sshd: 4, kea: 15 }, map);
    }
    assert.deepEqual(valuesOf(document, "@hist"), { cron: { 4: 1 }, kea: { 8: 2 } });
    assert.deepEqual(valuesOf(document, "@apart"), { two: 2 });
    const why = "It was printed 2 times: the last time is here";
    assert.deepEqual(
      document.capture.not_available,
      ["@count", "@plain", "@hist", "@apart"].map((metric) => ({
        metric,
        // 0.27 does not sort plain integers.
        why: isUnsorted && metric === "@plain"
          ? `${why}; Its values are not in ascending order: they are taken for one printing`
          : why,
      })),
    );
  },
);

testOf("distinguishes printings of one map that have nothing between them", "alone", (document) => {
  assert.equal(document.capture.verdict, "COMPLETE");
  assert.deepEqual(valuesOf(document, "@"), { cron: 1, sshd: 4, kea: 15 });
});

testOf("reads keys of several lines", "stacks", (document, version, format) => {
  assert.equal(document.capture.verdict, "COMPLETE");
  // 0.27 drops the blanks in its JSON, 0.17 has four in its keys.
  const blanks = version === "0.17.0" ? 4 : format === "txt" || version === "0.23.2" ? 8 : 0;
  const stack = `\n${" ".repeat(blanks)}__schedule+1576\n${" ".repeat(blanks)}schedule+35\n`;
  const comma = format === "txt" ? ", " : ",";
  assert.deepEqual(valuesOf(document, "@first"), { [`${stack}${comma}word`]: 2 });
  assert.deepEqual(valuesOf(document, "@last"), { [`word${comma}${stack}`]: 3 });
  assert.deepEqual(valuesOf(document, "@hist"), { [stack]: { 256: 1 } });
  assert.deepEqual(valuesOf(document, "@stats"), {
    [`${stack} count`]: 1,
    [`${stack} average`]: 4,
    [`${stack} total`]: 4,
  });
  assert.deepEqual(Object.values(valuesOf(document, "@alone")), [7]);
  assert.deepEqual(Object.values(valuesOf(document, "@two")), [4]);
  assert.deepEqual(valuesOf(document, "@string"), { "one\ntwo": 5, three: 6 });
  assert.deepEqual(valuesOf(document, "@string_hist"), { "one\n\ntwo": { 4: 1 } });
  assert.deepEqual(document.capture.not_available.map(({ metric }) => metric), ["@value"]);
  assert.deepEqual(valuesOf(document, "@z"), { "": 8 });
});

testOf("adds keys that are printed alike, and says so", "alike", (document, version, format) => {
  const { verdict, not_available } = document.capture;
  const alike = not_available.map(({ metric }) => metric);
  if (format === "txt") {
    // That a key comes twice in text may have another reason.
    assert.equal(verdict, "PARTIAL");
    assert.deepEqual(alike, ["@text"]);
    assert.deepEqual(valuesOf(document, "@json"), { "x, y,z": 2, "x,y, z": 1 });
    assert.deepEqual(valuesOf(document, "@text"), { "w, w": 1, "x, y, z": 7 });
    return;
  }
  assert.equal(verdict, "COMPLETE");
  // 0.27 drops the blanks.
  const isText = version === "0.27.1";
  assert.deepEqual(alike, ["@hist", "@json", "@stats", ...(isText ? ["@text"] : [])]);
  assert.deepEqual(valuesOf(document, "@json"), { "x,y,z": 3 });
  assert.deepEqual(valuesOf(document, "@hist"), { "x,y,z": { 1: 1, 4: 1 } });
  assert.deepEqual(valuesOf(document, "@stats"), {
    "x,y,z count": 2,
    "x,y,z average": 3,
    "x,y,z total": 6,
  });
  assert.deepEqual(
    valuesOf(document, "@text"),
    isText ? { "w,w": 1, "x,y,z": 7 } : { "w,w": 1, "x, y,z": 3, "x,y, z": 4 },
  );
});

testOf("reads bytes beyond ASCII as UTF-8", "utf8", (document, version, format) => {
  assert.equal(document.capture.verdict, "COMPLETE");
  // 0.27 drops blanks in the keys of its JSON.
  const blank = version === "0.27.1" && format === "ndjson" ? "" : " ";
  assert.deepEqual(valuesOf(document, "@key"), {
    "Zürich": 1,
    "日本": 2,
    "😀": 3,
    [`bad${blank}\ufffd`]: 4,
  });
  assert.deepEqual(valuesOf(document, "@parts"), { [`größe,${format === "txt" ? " " : ""}1`]: 5 });
  assert.deepEqual(valuesOf(document, "@hist"), { "Zürich": { 4: 1 } });
  assert.deepEqual(valuesOf(document, "@quoted"), { [`say${blank}"naïve"`]: 6 });
  assert.deepEqual(document.printed?.newest, ["café"]);
});

testOf(
  "gives a quantile in an open bucket its closed bound, marked",
  "open",
  (document, version) => {
    const median = (metric: string) => {
      const [series] = document.totals.filter((each) => each.metric === metric);
      assert.ok(series?.kind === "histogram");
      const { value, open } = series.quantiles[0]!;
      return { value, open };
    };
    assert.deepEqual(median("@above"), { value: 100, open: "upper" });
    assert.deepEqual(median("@below"), { value: 0, open: "lower" });
    assert.deepEqual(median("@negative"), { value: 0, open: "lower" });
    const last = version === "0.17.0"
      ? { value: 2 ** 31, open: "upper" }
      : { value: 3 * 2 ** 30, open: undefined };
    for (const metric of ["@last", "@by"]) assert.deepEqual(median(metric), last, metric);
  },
);

Deno.test("documentOfBpftrace() is PARTIAL where a map stands behind text", async () => {
  for (const version of ["0.17.0", "0.23.2"] as const) {
    const lines = read("behind_text", version, "txt").split("\n");
    const { capture, totals } = await documentOfBpftrace(lines);
    assert.deepEqual([capture.verdict, totals], ["PARTIAL", []]);
    assert.match(capture.reasons[0]!, /^@c stands behind other text: .* \(line 2\)$/);
  }
  // 0.27 says on standard error that it attached.
  await assert.rejects(documentOfBpftrace(read("behind_text", "0.27.1", "txt").split("\n")), {
    name: "InputError",
  });
});
