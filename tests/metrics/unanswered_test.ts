import assert from "node:assert/strict";
import fc from "fast-check";
import { HORIZON, Unanswered } from "../../metrics/unanswered.ts";

const DISCOVER = 1;

/** Feeds windows of [received, answered]. */
function told(unanswered: Unanswered, windows: readonly (readonly [number, number])[]): number[] {
  return windows.map(([received, answered]) =>
    unanswered.next({
      received: new Map(received === 0 ? [] : [[DISCOVER, received]]),
      answered: new Map(answered === 0 ? [] : [[DISCOVER, answered]]),
    }).get(DISCOVER) ?? 0
  );
}

/** What the windows turned out to have lost, when no more come. */
const settled = (unanswered: Unanswered) =>
  [...unanswered.end()].map((counts) => counts.get(DISCOVER) ?? 0);

Deno.test("Unanswered tells nothing of packets that are under way at an edge", () => {
  const unanswered = new Unanswered();
  assert.deepEqual(told(unanswered, [[10, 9], [10, 11], [10, 10]]), [0, 0, 0]);
  assert.deepEqual(settled(unanswered), [0, 0, 0]);
});

Deno.test("Unanswered tells a lost packet once: at once when settled, a window later live", () => {
  const unanswered = new Unanswered();
  assert.deepEqual(told(unanswered, [[10, 10], [10, 9], [10, 10], [10, 8]]), [0, 0, 1, 0]);
  assert.deepEqual(settled(unanswered), [0, 1, 0, 2]);
});

Deno.test("Unanswered counts a loss that comes while others are under way at every edge", () => {
  const unanswered = new Unanswered();
  told(unanswered, [[10, 8], [10, 9], [10, 12], [10, 9]]);
  // 3 and 1 are open at the middle edges; 2 at the end.
  assert.deepEqual(settled(unanswered), [1, 0, 0, 1]);
});

Deno.test("Unanswered begins anew with a segment and keeps what the one before lost", () => {
  const unanswered = new Unanswered();
  told(unanswered, [[10, 8]]);
  assert.deepEqual(settled(unanswered), [2]);
  assert.deepEqual(told(unanswered, [[5, 5], [5, 4]]), [0, 0]);
  assert.deepEqual(settled(unanswered), [0, 1]);
});

Deno.test("Unanswered knows a message whose packets are all answered", () => {
  const unanswered = new Unanswered();
  told(unanswered, [[1, 1]]);
  assert.deepEqual([...unanswered.settled()], [new Map([[DISCOVER, 0]])]);
});

Deno.test("Unanswered settles exactly what was never answered, whatever was under way", () => {
  const packet = fc.record({
    window: fc.nat(9),
    // Answered so many windows later; null never.
    delay: fc.option(fc.nat(3), { freq: 3 }),
  });
  fc.assert(fc.property(fc.array(packet, { maxLength: 60 }), (packets) => {
    const length = 14;
    const windows = Array.from({ length }, (_, at) =>
      [
        packets.filter(({ window }) => window === at).length,
        packets.filter(({ window, delay }) => delay !== null && window + delay === at).length,
      ] as const);
    const unanswered = new Unanswered();
    const early: number[] = [];
    const live = windows.flatMap((window) => {
      const news = told(unanswered, [window]);
      early.push(...unanswered.settled().map((counts) => counts.get(DISCOVER) ?? 0));
      return news;
    });
    const counts = [...early, ...settled(unanswered)];
    assert.equal(counts.length, length);
    const lost = packets.filter(({ delay }) => delay === null).length;
    assert.equal(counts.reduce((sum, count) => sum + count, 0), lost);
    assert.ok([...live, ...counts].every((count) => count >= 0));
  }));
});

Deno.test("Unanswered settles a window at once when nothing is under way at its end", () => {
  const unanswered = new Unanswered();
  told(unanswered, [[10, 10]]);
  assert.equal([...unanswered.settled()].length, 1);
  told(unanswered, [[10, 9]]);
  assert.equal([...unanswered.settled()].length, 0);
  told(unanswered, [[10, 11]]);
  assert.equal([...unanswered.settled()].length, 2);
});

Deno.test("Unanswered waits for an answer no longer than its horizon, and remembers no more", () => {
  const unanswered = new Unanswered();
  told(unanswered, [[1, 0]]);
  for (let window = 1; window <= HORIZON; window++) {
    assert.deepEqual([...unanswered.settled()], []);
    told(unanswered, [[1, 1]]);
  }
  assert.deepEqual(unanswered.settled().next().value, new Map([[DISCOVER, 1]]));
  // Too late: it was told, and is not taken back.
  told(unanswered, [[0, 1]]);
  assert.deepEqual(settled(unanswered), Array(HORIZON + 1).fill(0));
});
