/**
 * A map of which all places are taken is reported: bpftrace itself is silent. Needs root and newer
 * Debian suites, which it installs into the cache.
 */

import assert from "node:assert/strict";
import { findBpftrace, MAP_KEYS } from "../../probes/bpftrace.ts";
import { ProbeRun } from "../../probes/probe_run.ts";
import { ensureSuite, suiteCommand, SUITES } from "../../tools/lab/debian_suites.ts";
import { OwnWriter } from "./own_writer.ts";

/** Keys of `@each` with which one place is free: both maps are one in the kernel, and `@all` has one key. */
const LEAST = MAP_KEYS - 2;

const programFor = (comm: string) => `
tracepoint:syscalls:sys_enter_write /comm == "${comm}"/ { $now = nsecs; @each[$now] = count(); @all[1] = count(); }
interval:ms:500 { printf("reading %llu\\n", nsecs); print(@each); print(@all); printf("read\\n"); }
`;

for (const suite of [null, ...SUITES]) {
  const name = suite === null ? "the host" : `Debian ${suite}`;
  Deno.test(`a map that bpftrace of ${name} could not add to is a full one`, async () => {
    const bpftrace = await findBpftrace(
      suite === null ? undefined : suiteCommand(await ensureSuite(suite), ["bpftrace"]),
    );
    await using writer = await OwnWriter.make();
    const rendered = { program: programFor(writer.name), probes: 2, maps: ["@each", "@all"] };
    await using run = ProbeRun.start(bpftrace, rendered);
    interface Reading {
      readonly full: readonly string[];
      readonly all: number;
      readonly each: number;
    }
    const settled: Reading[] = [];
    let last: Reading | undefined;
    for await (const event of run.events) {
      if (event.type === "ended") assert.equal(event.code, 0, event.complaint);
      if (event.type === "attached") await writer.write(LEAST);
      if (event.type !== "reading" || event.nsecs === null) continue;
      const { "@each": each, "@all": all } = event.maps as Record<string, Record<string, number>>;
      if (all === undefined) continue;
      const reading = {
        full: event.full,
        all: all["1"]!,
        each: Object.keys(each!).length,
      };
      // A reading may be in the middle of the writes; not two of one number.
      const expected = LEAST + 1009 * settled.length;
      if (reading.all === expected && last?.all === expected) {
        settled.push(reading);
        if (settled.length === 1) await writer.write(1009);
        else run.stop();
      }
      last = reading;
    }
    assert.deepEqual(settled[0], { full: [], all: LEAST, each: LEAST });
    const full = ["The map of @each, @all"];
    assert.deepEqual(settled[1], { full, all: LEAST + 1009, each: LEAST + 1 });
  });
}
