/** Newer Keas, each with the bpftrace of its Debian suite: every count exact. Needs root. */

import assert from "node:assert/strict";
import { type Combination, runCombination } from "../../bench/matrix.ts";

const COMBINATIONS: readonly Combination[] = [
  { kea: "2.6", sockets: "raw", threads: 2 },
  { kea: "2.6", sockets: "udp", threads: 0 },
  { kea: "newest", sockets: "raw", threads: 0 },
  { kea: "newest", sockets: "udp", threads: 2 },
];

for (const combination of COMBINATIONS) {
  const { kea, sockets, threads } = combination;
  Deno.test(`every count is exact on Kea ${kea}, ${sockets} sockets, ${threads} threads`, async () => {
    const outcome = await runCombination(combination, { exchanges: 211, rate: 100 });
    console.log(`Kea ${outcome.kea}, bpftrace ${outcome.bpftrace}`);
    assert.deepEqual([outcome.different, outcome.verdict], [[], "COMPLETE"]);
    assert.equal(outcome.compared, 8);
  });
}
