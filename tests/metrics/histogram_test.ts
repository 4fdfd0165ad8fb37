import assert from "node:assert/strict";
import fc from "fast-check";
import { boundsOf, type Bucket, bucketOf, quantile, QUANTILES } from "../../metrics/histogram.ts";

/** Nanoseconds up to 2^44, which is nearly five hours. */
const times = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 44 }),
  fc.integer({ min: 0, max: 44 }).chain((e) => fc.constantFrom(2 ** e - 1, 2 ** e, 2 ** e + 1)),
);

function bucketsOf(values: readonly number[]): Bucket[] {
  const counts = new Map<number, number>();
  for (const value of values) {
    const bucket = bucketOf(value);
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  }
  return [...counts].toSorted(([a], [b]) => a - b)
    .map(([bucket, count]) => ({ ...boundsOf(bucket), count }));
}

/** The programs' own arithmetic: shifts on 64-bit integers. */
function bucketInProgram(value: bigint): bigint {
  let octave = 0n;
  for (let rest = value; rest > 1n; rest >>= 1n) octave++;
  return octave < 3n ? value : ((octave - 2n) << 3n) + ((value >> (octave - 3n)) & 7n);
}

Deno.test("bucketOf() computes the same bucket as the BPF programs", () => {
  fc.assert(fc.property(times, (value) => {
    assert.equal(bucketOf(value), Number(bucketInProgram(BigInt(value))));
  }));
});

Deno.test("boundsOf() contains every value of the bucket and is at most 12.5 % wide from 8 on", () => {
  fc.assert(fc.property(times, (value) => {
    const { lower, upper } = boundsOf(bucketOf(value));
    assert.ok(lower <= value && value < upper, `${value} in [${lower}, ${upper})`);
    if (value >= 8) assert.ok(upper - lower <= lower / 8, `[${lower}, ${upper})`);
  }));
});

Deno.test("boundsOf() leaves no gap between buckets", () => {
  for (let bucket = 0; bucket < 336; bucket++) {
    assert.equal(boundsOf(bucket).upper, boundsOf(bucket + 1).lower, `bucket ${bucket}`);
  }
});

Deno.test("quantile() is within its bounds of the exact one and at most 6.3 % off, 100,000 values", () => {
  // From 1 us to 1 s, as many in every octave; a fixed sequence, so that a failure can be repeated.
  let state = 1;
  const values = Array.from({ length: 100_000 }, () => {
    state = state * 48_271 % 2_147_483_647;
    return Math.floor(1000 * 10 ** (6 * state / 2_147_483_647));
  });
  const buckets = bucketsOf(values);
  const sorted = Float64Array.from(values).sort();
  for (const q of QUANTILES) {
    const exact = sorted[Math.ceil(q * sorted.length) - 1]!;
    const { value, lower, upper } = quantile(buckets, q);
    assert.ok(lower <= exact && exact < upper, `${q}: ${exact} in [${lower}, ${upper})`);
    assert.ok(Math.abs(value / exact - 1) <= 0.063, `${q}: ${value} for ${exact}`);
  }
});

Deno.test("quantile() holds the exact value of any data", () => {
  const q = fc.constantFrom(0, ...QUANTILES, 1);
  fc.assert(fc.property(fc.array(times, { minLength: 1 }), q, (values, q) => {
    const exact = values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(q * values.length)) - 1]!;
    const { lower, upper } = quantile(bucketsOf(values), q);
    assert.ok(lower <= exact && exact < upper);
  }));
});

Deno.test("quantile() refuses no events", () => {
  assert.throws(() => quantile([], 0.5), RangeError);
});
