/** A known load gives exactly the expected counts. Needs root, Kea and bpftrace. */

import assert from "node:assert/strict";
import { startLab } from "../../tools/lab/lab.ts";
import { keaStatistics } from "../../discovery/control_channel.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { documentIn, startMonitor, total } from "./monitored.ts";

/** A prime number, so that no multiple of anything passes for it. */
const EXCHANGES = 997;

const SERVERS = [
  { name: "single-threaded with raw sockets", sockets: "raw", threads: 0, profile: "deep" },
  { name: "multi-threaded with raw sockets", sockets: "raw", threads: 2, profile: "standard" },
  { name: "multi-threaded with UDP sockets", sockets: "udp", threads: 2, profile: "deep" },
] as const;

for (const { name, sockets, threads, profile } of SERVERS) {
  Deno.test(`monitor counts ${EXCHANGES} exchanges exactly, ${name}, ${profile}`, async () => {
    await using lab = await startLab({ sockets, threads });
    const before = await keaStatistics(lab.controlSocket);
    const monitored = await startMonitor(lab.pid, ["--duration", "8", "--profile", profile]);
    const report = await runPerfdhcp(lab, { rate: 200, exchanges: EXCHANGES });
    const { code, stderr } = await monitored.end();
    assert.equal(code, 0, stderr);
    const document = await documentIn(monitored);
    const after = await keaStatistics(lab.controlSocket);
    const raised = (counter: string) => after[counter]! - before[counter]!;

    assert.equal(document.capture.verdict, "COMPLETE", document.capture.reasons.join());
    assert.equal(report["DISCOVER-OFFER"]!.received, EXCHANGES);
    assert.equal(report["REQUEST-ACK"]!.received, EXCHANGES);
    const time = (message: string, answer: string) =>
      total(document, "packet_processing_time", { message, answer });
    assert.equal(time("DHCPDISCOVER", "DHCPOFFER"), report["DISCOVER-OFFER"]!.received);
    assert.equal(time("DHCPREQUEST", "DHCPACK"), report["REQUEST-ACK"]!.received);
    assert.equal(time("DHCPDISCOVER", "DHCPOFFER"), raised("pkt4-offer-sent"));
    assert.equal(time("DHCPREQUEST", "DHCPACK"), raised("pkt4-ack-sent"));
    const packets = (direction: string) =>
      total(document, "network_traffic", { direction, socket: sockets }, "packets");
    assert.equal(packets("received"), raised("pkt4-received"));
    assert.equal(packets("sent"), raised("pkt4-sent"));
    for (const message of ["DHCPDISCOVER", "DHCPREQUEST"]) {
      assert.equal(total(document, "lease_allocation_time", { message }), EXCHANGES);
      for (
        const stage of profile === "deep"
          ? ["queue", "parse", "select", "allocate", "commit", "pack", "send"]
          : ["before", "allocate", "after"]
      ) {
        assert.equal(total(document, "packet_stage_time", { message, stage }), EXCHANGES, stage);
      }
    }
    assert.equal(
      total(document, "database_query_time", { statement: "lease_file_write" }),
      EXCHANGES,
    );
    for (const kind of ["unanswered", "kernel_drop", "unmatched_answer"]) {
      assert.equal(total(document, "error_rate", { kind }), 0, kind);
    }
    if (profile === "deep" && threads > 0) {
      assert.equal(total(document, "database_query_time", { statement: "addLease4" }), EXCHANGES);
    }
  });
}
