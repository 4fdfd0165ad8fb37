import assert from "node:assert/strict";
import { readCapture } from "../../metrics/capture.ts";
import { bucketOf } from "../../metrics/histogram.ts";
import { documentOf } from "../../metrics/document_builder.ts";
import { mulberry32 } from "../../system/mulberry32.ts";
import { END, HEADER, sampleAt, streamOf } from "./capture_records.ts";

const random = mulberry32(20_260_101);
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

const TIMES: readonly (readonly [what: string, time: () => number])[] = [
  ["around half a millisecond with a tail", () => 5e5 * Math.exp(0.8 * normal())],
  ["of a fast and a slow kind", () => random() < 0.93 ? 8e4 + 1e4 * normal() : 1.2e7 * random()],
  ["from nanoseconds to half a minute", () => 2 ** (35 * random())],
  ["that are all the same", () => 123_456],
];

for (const [what, time] of TIMES) {
  Deno.test(`quantiles of 100,000 times ${what} lie within their bounds`, async () => {
    const times = Array.from({ length: 100_000 }, () => Math.max(0, Math.round(time())));
    // As a run sees them: what was counted in each of ten windows.
    const samples = [sampleAt(0, {})];
    for (let window = 0; window < 10; window++) {
      const rows = new Map<number, [...key: number[], count: number, sum: number]>();
      for (const each of times.slice(10_000 * window, 10_000 * (window + 1))) {
        const bucket = bucketOf(each);
        const [, , , count, sum] = rows.get(bucket) ?? [1, 2, bucket, 0, 0];
        rows.set(bucket, [1, 2, bucket, count! + 1, sum! + each]);
      }
      samples.push(sampleAt(window + 1, { "@processing": [...rows.values()] }));
    }
    const text = [HEADER, ...samples, END].map((record) => `${JSON.stringify(record)}\n`).join("");
    const { totals } = await documentOf(readCapture(streamOf(text, 65_536)));
    const series = totals.find(({ metric }) => metric === "packet_processing_time");
    assert.ok(series?.kind === "histogram");

    const sorted = times.toSorted((a, b) => a - b);
    assert.equal(series.count, times.length);
    assert.equal(Number(series.sum), times.reduce((sum, each) => sum + each, 0));
    assert.deepEqual(series.quantiles.map(({ q }) => q), [0.5, 0.9, 0.95, 0.99, 0.999]);
    for (const { q, value, lower, upper } of series.quantiles) {
      const exact = sorted[Math.ceil(q * sorted.length) - 1]!;
      assert.ok(lower <= exact && exact < upper, `p${100 * q} ${lower} <= ${exact} < ${upper}`);
      if (exact >= 8) assert.ok(Math.abs(value / exact - 1) <= 0.063, `p${100 * q} ${value}`);
    }
    assert.ok(series.min <= sorted[0]! && sorted.at(-1)! <= series.max);
  });
}
