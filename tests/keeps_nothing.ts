/**
 * Whether what lives for months keeps something of what is over.
 *
 * @module
 */

import assert from "node:assert/strict";
import v8 from "node:v8";
import vm from "node:vm";

/** The most bytes that the heap may grow in the measured rounds. */
const MOST_GROWTH = 2 ** 20;

/** Rounds until everything has its size, and those that are measured. */
const [FIRST, MEASURED] = [300, 600];

/** Fails if the heap grows with the rounds. */
export async function keepsNothing(once: (round: number) => Promise<unknown>): Promise<void> {
  let before = 0;
  for (let round = 0; round < FIRST + MEASURED; round++) {
    if (round === FIRST) before = heapUsed();
    await once(round);
  }
  const growth = heapUsed() - before;
  assert.ok(growth < MOST_GROWTH, `${growth} bytes more after ${MEASURED} rounds`);
}

/** Bytes of the heap that are in use. */
function heapUsed(): number {
  v8.setFlagsFromString("--expose-gc");
  vm.runInNewContext("gc")();
  return Deno.memoryUsage().heapUsed;
}
