/** A watch in the middle of traffic counts what it sees, once. Needs root, Kea and bpftrace. */

import assert from "node:assert/strict";
import { KEA_PACKET_QUEUE, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { total, withoutAnswer } from "../../metrics/totals.ts";
import { undisturbed } from "./explained.ts";
import { startMonitor } from "./monitored.ts";
import { assertComplete } from "./watched.ts";

/** What may be under way at either end: on a busy machine all that Kea's queue and threads hold. */
const UNDER_WAY = KEA_PACKET_QUEUE + 2;

Deno.test("a watch that begins and ends in the middle of traffic loses and doubles nothing", async () => {
  await using lab = await startLab({ packetQueue: KEA_PACKET_QUEUE });
  await using _ = await undisturbed(lab);
  const stop = new AbortController();
  let isOver = false;
  // Longer than any watch takes; it is stopped after that.
  const traffic = runPerfdhcp(lab, { rate: 50, exchanges: 50 * 120, signal: stop.signal })
    .catch(() => {}).finally(() => isOver = true);
  await using monitored = await startMonitor(lab.pid, ["--duration", "8"]);
  const { document } = await monitored.left();
  assert.ok(!isOver, "the traffic ended before the watch");
  stop.abort();
  await traffic;
  assertComplete(document);
  for (const kind of ["unmatched_answer", "allocation_unfinished"]) {
    assert.equal(total(document, "error_rate", { kind }), 0, kind);
  }
  assert.equal(total(document, "lease_allocation_time", { message: "unknown" }), 0);
  const near = (a: number, b: number, what: string) =>
    assert.ok(Math.abs(a - b) <= UNDER_WAY, `${what}: ${a} and ${b}`);
  const received = total(document, "network_traffic", { direction: "received" }, "packets");
  const timed = total(document, "packet_processing_time");
  assert.ok(received > 5 * UNDER_WAY, `${received} packets`);
  near(received, timed, "received and answered");
  near(total(document, "network_traffic", { direction: "sent" }, "packets"), timed, "sent");
  near(total(document, "lease_allocation_time"), timed, "allocations");
  assert.ok(withoutAnswer(document) <= UNDER_WAY);
  // The probes alone counted.
  assert.equal(document.ledger!.unexplained, null);
});
