/**
 * Every count is exact: each Kea with the bpftrace of its Debian suite, and the oldest Kea with the
 * newer ones; packets seen at the sockets and by system calls. Needs root, Kea, and newer Debian suites, which it
 * installs into the cache.
 */

import assert from "node:assert/strict";
import { type Combination, judged, runCombination } from "../../bench/matrix.ts";
import { total } from "../../metrics/totals.ts";

/** The counts that are compared in each profile: one more for a Kea that knows when packets came. */
const COMPARED = { light: 9, standard: 18, deep: 26 } as const;

const COMBINATIONS: readonly Combination[] = [
  { family: 4, kea: "2.2", sockets: "raw", threads: 0 },
  { family: 4, kea: "2.2", sockets: "raw", threads: 2, profile: "standard" },
  { family: 4, kea: "2.2", sockets: "udp", threads: 2 },
  // Of newer bpftraces, raw sockets are in placement_test.ts.
  { family: 4, kea: "2.2", sockets: "udp", threads: 2, bpftraceOf: "2.6" },
  { family: 4, kea: "2.2", sockets: "udp", threads: 2, bpftraceOf: "newest" },
  { family: 4, kea: "2.6", sockets: "raw", threads: 2 },
  { family: 4, kea: "2.6", sockets: "udp", threads: 0 },
  { family: 4, kea: "newest", sockets: "raw", threads: 0 },
  { family: 4, kea: "newest", sockets: "udp", threads: 2 },
  { family: 6, kea: "2.2", sockets: "udp", threads: 2 },
  { family: 6, kea: "2.6", sockets: "udp", threads: 0 },
  { family: 6, kea: "newest", sockets: "udp", threads: 2 },
  // As before Linux 6.3.
  { family: 4, kea: "2.2", sockets: "raw", threads: 2, edges: "calls" },
  { family: 4, kea: "2.2", sockets: "udp", threads: 0, bpftraceOf: "newest", edges: "calls" },
  { family: 4, kea: "2.6", sockets: "raw", threads: 2, edges: "calls" },
  { family: 6, kea: "newest", sockets: "udp", threads: 2, edges: "calls" },
];

for (const combination of COMBINATIONS) {
  const { family, kea, sockets, threads, profile = "deep", bpftraceOf: suite, edges } = combination;
  const what = `Kea ${kea}, DHCPv${family}, ${sockets} sockets, ${threads} threads, ${profile}` +
    (suite === undefined ? "" : `, bpftrace of Kea ${suite}`) +
    (edges === undefined ? "" : `, packets seen by system ${edges}`);
  Deno.test(`every count is exact on ${what}`, async () => {
    // Prime numbers, so that no multiple of anything passes for them.
    const load = kea === "2.2" && suite === undefined
      ? { exchanges: 503, rate: 200 }
      : { exchanges: 211, rate: 100 };
    const outcome = await runCombination(combination, { ...load, patience: 60 });
    const { document } = outcome;
    console.log(`Kea ${outcome.kea}, bpftrace ${outcome.bpftrace}`);
    const compared = COMPARED[profile] + (kea === "2.2" ? 0 : 1);
    assert.deepEqual(judged(outcome), { isExact: true, words: `${compared} equal` });
    const { hits, bpf_us_per_packet } = document.capture.cost!;
    assert.ok(hits > 0 && bpf_us_per_packet! > 0, `the overhead is known: ${hits} hits`);
    if (kea === "2.2" && family === 4 && profile === "deep" && threads > 0) {
      const added = total(document, "database_query_time", { statement: "addLease4" });
      const written = total(document, "database_query_time", { statement: "lease_file_write" });
      assert.equal(added, written);
    }
  });
}
