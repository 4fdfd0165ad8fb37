/**
 * A bpftrace that runs makes no perf samples, and its programs count all the same. Needs root and
 * newer Debian suites, which it installs into the cache.
 */

import assert from "node:assert/strict";
import { findBpftrace } from "../../probes/bpftrace.ts";
import { tracepointEvents } from "../../probes/perf_events.ts";
import { ProbeRun } from "../../probes/probe_run.ts";
import { ensureSuite, suiteCommand, SUITES } from "../../tools/lab/debian_suites.ts";
import { OwnWriter } from "./own_writer.ts";

const WRITES = 1009;

const PROGRAM = `
tracepoint:syscalls:sys_enter_write { @writes[comm] = count(); }
interval:ms:500 { printf("reading %llu\\n", nsecs); print(@writes); printf("read\\n"); }
`;

for (const suite of [null, ...SUITES]) {
  const name = suite === null ? "the host" : `Debian ${suite}`;
  Deno.test(`bpftrace of ${name} makes no samples and counts exactly`, async () => {
    const bpftrace = await findBpftrace(
      suite === null ? undefined : suiteCommand(await ensureSuite(suite), ["bpftrace"]),
    );
    await using writer = await OwnWriter.make();
    await using run = ProbeRun.start(bpftrace, { program: PROGRAM, probes: 2, maps: ["@writes"] });
    let samples: bigint | null = null;
    let writes: unknown;
    for await (const event of run.events) {
      if (event.type === "ended") assert.equal(event.code, 0, event.complaint);
      if (event.type === "attached") {
        samples = samplesOf(run.pid);
        await writer.write(WRITES);
        assert.equal(samplesOf(run.pid), samples);
        run.stop();
      }
      if (event.type === "reading") {
        writes = (event.maps["@writes"] as Record<string, number>)[writer.name];
      }
    }
    assert.ok(samples !== null, "it attached");
    assert.equal(writes, WRITES);
  });
}

/** How many events the one tracepoint of a bpftrace has counted: perf counts what it would sample. */
function samplesOf(pid: number): bigint {
  const library = Deno.dlopen("libc.so.6", {
    read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  });
  const counts: bigint[] = [];
  for (const event of tracepointEvents(pid)) {
    using counting = event;
    const value = new BigUint64Array(1);
    assert.equal(Number(library.symbols.read(counting.fd, value, 8n)), 8);
    counts.push(value[0]!);
  }
  library.close();
  assert.equal(counts.length, 1);
  return counts[0]!;
}
