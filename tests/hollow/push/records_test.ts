import assert from "node:assert/strict";
import type { Series, Window } from "../../../metrics/document.ts";
import { inBatches, RecordError, recordsOf } from "../../../hollow/push/records.ts";
import { counterAt } from "./hollow_records.ts";

const NAME = { metric: "m", family: 4, labels: { a: "b" }, unit: "ns" } as const;
const windowWith = (...series: Series[]): Window => ({
  start: "2026-01-01T00:00:00.250Z",
  end: "2026-01-01T00:05:00.250Z",
  series,
});

Deno.test("recordsOf() carries over every field of every kind", () => {
  const buckets = [{ lower: 8, upper: 9, count: 2 }];
  const quantiles = [{ q: 0.5, value: 8.5, lower: 8, upper: 9 }];
  const histogram = { count: 2, sum: 17, min: 8, max: 9, exact: true, buckets, quantiles };
  const gauge = { value: 4, min: 1, max: 9, mean: 5 };
  const records = recordsOf(
    windowWith(
      { ...NAME, kind: "counter", value: 7 },
      { ...NAME, kind: "gauge", ...gauge },
      { ...NAME, kind: "histogram", ...histogram },
      { ...NAME, kind: "histogram", ...histogram, sum: null },
    ),
    "kea-1",
  );
  const times = { windowStart: 1767225600250, windowEnd: 1767225900250 };
  const common = { server: "kea-1", ...NAME, ...times };
  assert.deepEqual(records, [
    { ...common, kind: "counter", value: 7 },
    { ...common, kind: "gauge", ...gauge },
    { ...common, kind: "histogram", ...histogram },
    { ...common, kind: "histogram", ...histogram, sum: null },
  ]);
});

Deno.test("recordsOf() refuses integers that a record cannot hold exactly", () => {
  const counter = { ...NAME, kind: "counter", value: "9007199254740993" } as const;
  assert.throws(() => recordsOf(windowWith(counter), "kea-1"), (error) => {
    assert.ok(error instanceof RecordError);
    assert.match(error.message, /^Cannot push m of the window from .*: 9007199254740993 is beyond/);
    return true;
  });
});

Deno.test("inBatches() keeps to both limits, and to the order", async () => {
  const records = Array.from({ length: 10 }, (_, index) => counterAt(index));
  const sizes = async (limits: { records: number; bytes: number }) => {
    const batches = await Array.fromAsync(inBatches(records, limits));
    assert.deepEqual(batches.flat(), records);
    return batches.map((batch) => batch.length);
  };
  assert.deepEqual(await sizes({ records: 4, bytes: 1e9 }), [4, 4, 2]);
  const one = JSON.stringify(records[0]).length;
  assert.deepEqual(await sizes({ records: 100, bytes: 3 * one }), [3, 3, 3, 1]);
  // One that is larger than the limit goes alone.
  assert.deepEqual(await sizes({ records: 100, bytes: 1 }), records.map(() => 1));
});

Deno.test("recordsOf() cuts text that no producer takes, and two such texts stay two", () => {
  const type = `boost::wrapexcept<${"std::".repeat(60)}`;
  const labels = { a: `${type}1>`, b: `${type}2>`, c: "x".repeat(256), d: "\ud800", e: "\ud801" };
  const [record] = recordsOf(windowWith({ ...NAME, labels, kind: "counter", value: 7 }), "kea-1");
  const { a, b, c, d, e } = record!.labels;
  assert.match(a!, /^boost::wrapexcept<std::.*\.\.\.#[0-9a-f]{16}$/);
  assert.deepEqual([a!.length, b!.length, c], [256, 256, labels.c]);
  assert.notEqual(a, b);
  assert.match(d!, /^\ufffd\.\.\.#/);
  assert.notEqual(d, e);
});
