/** A known load gives exactly the expected counts. Needs root, Kea and bpftrace. */

import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
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

Deno.test("a watch that begins and ends in the middle of traffic loses and doubles nothing", async () => {
  await using lab = await startLab();
  const stop = new AbortController();
  // Longer than any watch takes; it is stopped after that.
  const traffic = runPerfdhcp(lab, { rate: 200, exchanges: 200 * 120, signal: stop.signal })
    .catch(() => null);
  const monitored = await startMonitor(lab.pid, ["--duration", "4"]);
  const { code, stderr } = await monitored.end();
  const stillSent = await Promise.race([traffic.then(() => false), delay(500, true)]);
  assert.ok(stillSent, "the traffic ended before the watch");
  stop.abort();
  await traffic;
  assert.equal(code, 0, stderr);
  const document = await documentIn(monitored);
  assert.equal(document.capture.verdict, "COMPLETE", document.capture.reasons.join());
  for (const kind of ["unmatched_answer", "allocation_unfinished"]) {
    assert.equal(total(document, "error_rate", { kind }), 0, kind);
  }
  assert.equal(total(document, "lease_allocation_time", { message: "unknown" }), 0);
  // What is under way at either end, no more: on a busy machine all that Kea's queue and threads hold.
  const UNDER_WAY = 64 + 2;
  const near = (a: number, b: number, what: string) =>
    assert.ok(Math.abs(a - b) <= UNDER_WAY, `${what}: ${a} and ${b}`);
  const received = total(document, "network_traffic", { direction: "received" }, "packets");
  const timed = total(document, "packet_processing_time", {});
  assert.ok(received > 2 * 200 * 3, `${received} packets`);
  near(received, timed, "received and answered");
  near(total(document, "network_traffic", { direction: "sent" }, "packets"), timed, "sent");
  near(total(document, "lease_allocation_time", {}), timed, "allocations");
  assert.ok(total(document, "error_rate", { kind: "unanswered" }) <= UNDER_WAY);
  // The probes alone counted.
  assert.equal(document.ledger!.unexplained, null);
});

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
