/** How long packets lay in the socket, of a server that stood still. Needs root and every Kea. */

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { keaCounters } from "../../discovery/control_channel.ts";
import { type LabOptions, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { histogramsOf, total } from "../../metrics/totals.ts";
import { until } from "./run_script.ts";
import { watched } from "./watched.ts";

/** So long that no busy machine does as much, milliseconds. */
const STANDSTILL = 2000;

/** Exchanges per second: what comes in a standstill fits into Kea's queue. */
const RATE = 20;

/** One packet that is read, and one a thread. */
const IN_HAND = 3;

const SERVERS: readonly (LabOptions & { readonly kea: "2.6" | "newest" })[] = [
  { kea: "2.6", sockets: "raw" },
  { kea: "2.6", sockets: "udp", threads: 0 },
  { kea: "2.6", family: 6 },
  { kea: "newest", sockets: "raw" },
];

for (const options of SERVERS) {
  const { kea, family = 4, sockets = "udp" } = options;
  Deno.test(`packet_socket_wait has the time for which Kea ${kea} DHCPv${family} ${sockets} stood still`, async () => {
    await using lab = await startLab(options);
    let stoodStill = 0;
    const document = await watched(lab, kea, "light", async () => {
      const load = runPerfdhcp(lab, { rate: RATE, exchanges: 6 * RATE });
      const counter = `pkt${family}-received` as const;
      const received = async () => (await keaCounters(lab.controlSocket, [counter]))[counter] ?? 0;
      await until(async () => await received() > RATE, "it answers");
      const begun = performance.now();
      Deno.kill(lab.pid, "SIGSTOP");
      await pause(STANDSTILL);
      Deno.kill(lab.pid, "SIGCONT");
      stoodStill = performance.now() - begun;
      await load;
    });

    const received = total(document, "network_traffic", { direction: "received" }, "packets");
    assert.equal(total(document, "packet_socket_wait"), received);
    const waits = histogramsOf(document, "packet_socket_wait");
    for (const { labels, quantiles } of waits) {
      // Half of the packets came while it went, and were read at once.
      const { value } = quantiles.find(({ q }) => q === 0.5)!;
      assert.ok(value < STANDSTILL / 10 * 1e6, `${labels["message"]}: median ${value} ns`);
    }
    // The first of the packets that it found came within twice the time from one to the next.
    const longest = Math.max(...waits.map(({ max }) => Number(max))) / 1e6;
    assert.ok(longest >= STANDSTILL - 2 * 1000 / RATE, `the longest wait was ${longest} ms`);
    assert.ok(longest <= 1.5 * stoodStill, `the longest wait was ${longest} ms`);
    // The wait is none of the server's own time, but of the packets that it had in hand.
    const long = histogramsOf(document, "packet_processing_time").flatMap(({ buckets }) => buckets)
      .reduce((sum, { lower, count }) => sum + (lower > STANDSTILL / 2 * 1e6 ? count : 0), 0);
    assert.ok(long <= IN_HAND, `${long} packets took over ${STANDSTILL / 2} ms`);
  });
}
