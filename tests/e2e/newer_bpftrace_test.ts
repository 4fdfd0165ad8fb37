/**
 * The same programs on newer versions of bpftrace: all of the deepest profile attached, counts
 * exact; raw sockets are in placement_test.ts. Needs root, Kea, and newer Debian suites, which it installs into the cache.
 */

import assert from "node:assert/strict";
import { watchWhile } from "../../tools/lab/watch_while.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { ensureSuite, suiteCommand, SUITES } from "../../tools/lab/debian_suites.ts";
import { total } from "./monitored.ts";

const EXCHANGES = 101;

for (const name of SUITES) {
  Deno.test(`bpftrace of Debian ${name} attaches every probe and counts exactly, UDP sockets`, async () => {
    const bpftrace = await findBpftrace(suiteCommand(await ensureSuite(name), ["bpftrace"]));
    console.log(`bpftrace ${bpftrace.version}`);
    await using lab = await startLab({ sockets: "udp" });
    const { document } = await watchWhile(lab, {
      profile: "deep",
      bpftrace,
      intervalMs: 500,
      durationMs: 30_000,
      say: () => {},
    }, () => runPerfdhcp(lab, { rate: 25, exchanges: EXCHANGES }));
    assert.equal(document.capture.verdict, "COMPLETE", document.capture.reasons.join());
    // The price is known however bpftrace holds its programs. It is counted in slices of 25 ms: the
    // traffic lasts for eight of them.
    const { hits, bpf_us_per_packet } = document.capture.cost!;
    assert.ok(hits > 0 && bpf_us_per_packet! > 0, `${hits} hits`);
    for (
      const [message, answer] of [["DHCPDISCOVER", "DHCPOFFER"], [
        "DHCPREQUEST",
        "DHCPACK",
      ]] as const
    ) {
      const count = total(document, "packet_processing_time", { message, answer });
      assert.equal(count, EXCHANGES);
      assert.equal(total(document, "lease_allocation_time", { message }), EXCHANGES);
      assert.equal(total(document, "packet_stage_time", { message, stage: "send" }), EXCHANGES);
    }
    const statement = (name: string) => total(document, "database_query_time", { statement: name });
    assert.equal(statement("lease_file_write"), EXCHANGES);
    assert.equal(statement("addLease4"), EXCHANGES);
  });
}
