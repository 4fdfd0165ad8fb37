/** Newer Keas, each with the bpftrace of its Debian suite: every count exact. Needs root. */

import assert from "node:assert/strict";
import { type Combination, runCombination } from "../../bench/matrix.ts";

const COMBINATIONS: readonly Combination[] = [
  { family: 4, kea: "2.6", sockets: "raw", threads: 2 },
  { family: 4, kea: "2.6", sockets: "udp", threads: 0 },
  { family: 4, kea: "newest", sockets: "raw", threads: 0 },
  { family: 4, kea: "newest", sockets: "udp", threads: 2 },
  { family: 6, kea: "2.2", sockets: "udp", threads: 2 },
  { family: 6, kea: "2.6", sockets: "udp", threads: 0 },
  { family: 6, kea: "newest", sockets: "udp", threads: 2 },
];

for (const combination of COMBINATIONS) {
  const { family, kea, sockets, threads } = combination;
  Deno.test(`every count is exact on Kea ${kea}, DHCPv${family}, ${sockets} sockets, ${threads} threads`, async () => {
    const outcome = await runCombination(combination, { exchanges: 211, rate: 100 });
    console.log(`Kea ${outcome.kea}, bpftrace ${outcome.bpftrace}`);
    assert.deepEqual([outcome.different, outcome.verdict], [[], "COMPLETE"]);
    // A Kea before 2.5.6 does not know when packets came.
    assert.equal(outcome.compared, kea === "2.2" ? 8 : 9);
  });
}
