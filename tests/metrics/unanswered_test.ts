import assert from "node:assert/strict";
import fc from "fast-check";
import { Unanswered } from "../../metrics/unanswered.ts";

const DISCOVER = 1;
const EPOCH = 2 ** 30;

/** A request: when it came and when it was answered, nanoseconds; never without. */
interface Request {
  readonly at: number;
  readonly answeredAt?: number;
}

/** What the programs have counted until a moment. */
function countedUntil(requests: readonly Request[], nsecs: number) {
  const [received, answered] = [new Array(32).fill(0), new Array(32).fill(0)];
  for (const { at, answeredAt = Infinity } of requests) {
    const epoch = Math.floor(at / EPOCH) % 32;
    if (at <= nsecs) received[epoch]++;
    if (answeredAt <= nsecs) answered[epoch]++;
  }
  return { received: new Map([[DISCOVER, received]]), answered: new Map([[DISCOVER, answered]]) };
}

/** What is said of DHCPDISCOVERs at readings: unanswered, late, pending. */
function readings(requests: readonly Request[], seconds: readonly number[], begun = 0) {
  const unanswered = new Unanswered();
  const first = countedUntil(requests, begun * 1e9);
  unanswered.begin(first.received, first.answered);
  return seconds.map((second) => {
    const { received, answered } = countedUntil(requests, second * 1e9);
    const found = unanswered.next(second * 1e9, received, answered);
    return [found.unanswered, found.late, found.pending].map((counts) => counts.get(DISCOVER));
  });
}

Deno.test("Unanswered counts a request when it is 5 s old and the second of its epoch is over", () => {
  assert.deepEqual(readings([{ at: 0.5e9 }], [1, 5, 6, 7, 8]), [
    [0, 0, 1],
    [0, 0, 1],
    [0, 0, 1],
    [1, 0, 0],
    [0, 0, 0],
  ]);
});

Deno.test("Unanswered knows a message whose requests are all answered", () => {
  assert.deepEqual(readings([{ at: 1e9, answeredAt: 1.1e9 }], [2]), [[0, 0, 0]]);
});

Deno.test("Unanswered counts an answer that comes after that as late, and takes nothing back", () => {
  assert.deepEqual(readings([{ at: 0.5e9, answeredAt: 9e9 }], [1, 7, 8, 9, 10]), [
    [0, 0, 1],
    [1, 0, 0],
    [0, 0, 0],
    [0, 1, 0],
    [0, 0, 0],
  ]);
});

Deno.test("Unanswered says nothing of requests that came before the first reading", () => {
  const requests = [
    { at: 1e9 },
    { at: 2.2e9, answeredAt: 2.4e9 },
    // In the same epoch, but after the first reading, at 2.3 s.
    { at: 2.5e9 },
    { at: 2.6e9, answeredAt: 2.7e9 },
    { at: 4e9, answeredAt: 20e9 },
  ];
  assert.deepEqual(readings(requests, [3, 8, 12, 21], 2.3), [
    [0, 0, 0],
    [0, 0, 1],
    [1, 0, 0],
    [0, 1, 0],
  ]);
});

Deno.test("Unanswered adds up to the request, whatever comes when", () => {
  const request = fc.record({
    at: fc.integer({ min: 0, max: 90_000 }),
    delay: fc.option(fc.integer({ min: 0, max: 20_000 })),
  });
  fc.assert(fc.property(
    fc.array(request, { maxLength: 80 }),
    fc.array(fc.integer({ min: 100, max: 10_000 }), { minLength: 30, maxLength: 60 }),
    (all, pauses) => {
      const requests = all.map(({ at, delay }) => ({
        at: at * 1e6,
        ...delay === null ? {} : { answeredAt: (at + delay) * 1e6 },
      }));
      const unanswered = new Unanswered();
      const sums = { unanswered: 0, late: 0 };
      let now = 0;
      for (const pause of pauses) {
        now += pause * 1e6;
        const { received, answered } = countedUntil(requests, now);
        const found = unanswered.next(now, received, answered);
        sums.unanswered += found.unanswered.get(DISCOVER)!;
        sums.late += found.late.get(DISCOVER)!;
        const came = requests.filter(({ at }) => at <= now);
        const open = came.filter(({ answeredAt = Infinity }) => answeredAt > now);
        assert.equal(sums.unanswered - sums.late + found.pending.get(DISCOVER)!, open.length);
        // Those of the last 5 s are pending, and none that is older than 6.1 s.
        const young = open.filter(({ at }) => now - at < 5e9).length;
        const middle = open.filter(({ at }) => now - at < 5e9 + EPOCH).length;
        assert.ok(found.pending.get(DISCOVER)! >= young);
        assert.ok(found.pending.get(DISCOVER)! <= middle);
      }
    },
  ));
});
