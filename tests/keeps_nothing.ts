/**
 * Whether what lives for months keeps something of what is over.
 *
 * @module
 */

import assert from "node:assert/strict";
import v8 from "node:v8";
import vm from "node:vm";

/** The most bytes that the heap may grow in {@linkcode MEASURED} rounds, after {@linkcode FIRST}. */
const MOST_GROWTH = 2 ** 20;

/** Rounds until everything has its size, and after that. */
const [FIRST, MEASURED] = [300, 600];

/** Bytes of the heap that are in use. */
function heapUsed(): number {
  v8.setFlagsFromString("--expose-gc");
  vm.runInNewContext("gc")();
  return Deno.memoryUsage().heapUsed;
}

/**
 * Fails if the heap grows with the rounds.
 *
 * @param rounds without an end, or {@linkcode FIRST} and {@linkcode MEASURED} together.
 */
export async function keepsNothing(rounds: AsyncIterable<unknown>): Promise<void> {
  let [count, first] = [0, 0];
  for await (const _ of rounds) {
    count++;
    if (count === FIRST) first = heapUsed();
    if (count === FIRST + MEASURED) break;
  }
  assert.equal(count, FIRST + MEASURED);
  const growth = heapUsed() - first;
  assert.ok(growth < MOST_GROWTH, `${growth} bytes more after ${MEASURED} rounds`);
}
