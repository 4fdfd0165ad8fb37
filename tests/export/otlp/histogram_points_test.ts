import assert from "node:assert/strict";
import fc from "fast-check";
import { BOUNDS_NS, denseOf, explicitOf } from "../../../export/otlp/histogram_points.ts";
import { secondsOf } from "../../../export/prometheus/buckets.ts";
import { boundsOf, bucketOf } from "../../../metrics/histogram.ts";
import { histogramOf } from "../histogram_of.ts";

const times = fc.array(fc.integer({ min: 0, max: 1e11 }), { maxLength: 50 });

Deno.test("BOUNDS_NS are bounds of our buckets from 1 us to 17 s, ascending", () => {
  assert.equal(BOUNDS_NS.length, 193);
  assert.deepEqual([BOUNDS_NS[0], BOUNDS_NS.at(-1)], [2 ** 10, 2 ** 34]);
  assert.deepEqual(BOUNDS_NS, BOUNDS_NS.toSorted((a, b) => a - b));
  const { bounds } = explicitOf(histogramOf([]));
  for (const [index, bound] of BOUNDS_NS.entries()) {
    assert.equal(boundsOf(bucketOf(bound)).lower, bound);
    assert.equal(bounds[index], Number(secondsOf(BigInt(bound))));
  }
});

Deno.test("explicitOf() counts each time between its bounds, and loses none", () => {
  fc.assert(
    fc.property(times, (values) => {
      const counts = new Array<bigint>(BOUNDS_NS.length + 1).fill(0n);
      // Our lower bounds belong to a bucket.
      for (const value of values) counts[BOUNDS_NS.filter((bound) => bound <= value).length]!++;
      assert.deepEqual(explicitOf(histogramOf(values)).counts, counts);
    }),
  );
});

Deno.test("denseOf() has each time in a bucket within 10.8 % of it, without gaps", () => {
  fc.assert(
    fc.property(times, (values) => {
      const { offset, counts, zero } = denseOf(histogramOf(values));
      assert.equal(counts.reduce((sum, count) => sum + count, zero), BigInt(values.length));
      if (counts.length > 0) assert.ok(counts[0]! > 0n && counts.at(-1)! > 0n);
      const ascending = values.filter((value) => value > 0).sort((a, b) => a - b);
      let at = 0;
      for (const [index, count] of counts.entries()) {
        const upper = 2 ** ((offset + index + 1) / 16) * 1e9;
        const lower = 2 ** ((offset + index) / 16) * 1e9;
        for (let left = count; left > 0n; left--) {
          const time = ascending[at++]!;
          // Below 8 ns, a bucket has one time.
          if (time < 16) continue;
          assert.ok(lower <= time * 1.108 && upper >= time / 1.108, `${lower} ${time} ${upper}`);
        }
      }
    }),
  );
});

Deno.test("denseOf() has no bucket of a histogram that is empty", () => {
  assert.deepEqual(denseOf(histogramOf([])), { offset: 0, counts: [], zero: 0n });
  assert.deepEqual(denseOf(histogramOf([0, 0])), { offset: 0, counts: [], zero: 2n });
});
