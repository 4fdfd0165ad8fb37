import assert from "node:assert/strict";
import fc from "fast-check";
import {
  BUCKETS_PER_OCTAVE,
  classicOf,
  ladder,
  NATIVE_SCHEMA,
  nativeOf,
  secondsOf,
} from "../../../export/prometheus/buckets.ts";
import { boundsOf, bucketOf } from "../../../metrics/histogram.ts";
import { histogramOf } from "../histogram_of.ts";

const times = fc.array(fc.integer({ min: 0, max: 1e10 }), { maxLength: 50 });

Deno.test("ladder() has only bounds of our buckets, ascending", () => {
  for (const perOctave of BUCKETS_PER_OCTAVE) {
    const bounds = ladder(perOctave);
    assert.equal(bounds.length, 20 * perOctave + 1);
    assert.deepEqual(bounds, bounds.toSorted((a, b) => a - b));
    for (const bound of bounds) assert.equal(boundsOf(bucketOf(bound)).lower, bound);
  }
});

Deno.test("classicOf() counts at each bound what is below it", () => {
  fc.assert(fc.property(times, fc.constantFrom(...BUCKETS_PER_OCTAVE), (times, perOctave) => {
    const rungs = classicOf(histogramOf(times), perOctave);
    for (const { le, cumulative } of rungs) {
      const bound = le === "+Inf" ? Infinity : Math.round(Number(le) * 1e9);
      assert.equal(Number(cumulative), times.filter((time) => time < bound).length, le);
    }
  }));
});

Deno.test("nativeOf() keeps every event within 10.8 % of its time, and each bucket apart", () => {
  const base = 2 ** (2 ** -NATIVE_SCHEMA);
  fc.assert(fc.property(fc.integer({ min: 1000, max: 17e9 }), (time) => {
    const { spans, deltas, zero } = nativeOf(histogramOf([time]));
    assert.deepEqual([spans.length, deltas, zero], [1, [1n], 0n]);
    const index = spans[0]!.offset;
    const [lower, upper] = [base ** (index - 1) * 1e9, base ** index * 1e9];
    // What a quantile may say is anywhere in the native bucket.
    for (const said of [lower, upper]) assert.ok(Math.abs(said / time - 1) <= 0.1087, `${said}`);
  }));
  const buckets = Array.from({ length: 24 * 8 }, (_, at) => boundsOf(bucketOf(1024) + at).lower);
  const { deltas } = nativeOf(histogramOf(buckets));
  assert.equal(deltas.length, buckets.length);
});

Deno.test("nativeOf() loses no event, and its spans say where each stands", () => {
  fc.assert(fc.property(times, (times) => {
    const { spans, deltas, zero } = nativeOf(histogramOf(times));
    let [count, sum] = [0n, zero];
    for (const delta of deltas) {
      count += delta;
      assert.ok(count > 0n);
      sum += count;
    }
    assert.equal(sum, BigInt(times.length));
    assert.equal(spans.reduce((total, { length }) => total + length, 0), deltas.length);
    assert.ok(spans.slice(1).every(({ offset }) => offset > 0));
  }));
});

Deno.test("secondsOf() writes nanoseconds as seconds, exactly", () => {
  assert.deepEqual(
    [0n, 1n, 8192n, 1_000_000_000n, 98_765_432_109_876_543_210n].map(secondsOf),
    ["0", "0.000000001", "0.000008192", "1", "98765432109.87654321"],
  );
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 80n }), (nanoseconds) => {
    const [whole, fraction = ""] = secondsOf(nanoseconds).split(".");
    assert.equal(BigInt(whole! + fraction.padEnd(9, "0")), nanoseconds);
  }));
});
