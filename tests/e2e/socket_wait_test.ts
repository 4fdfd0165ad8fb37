/** How long packets lay in the socket, of a server that stood still. Needs root and every Kea. */

import assert from "node:assert/strict";
import { type LabOptions, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { documentIn, startMonitor, total } from "./monitored.ts";

const STANDSTILL_MS = 800;

/** One packet that is read, and one a thread. */
const IN_HAND = 3;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const SERVERS: readonly LabOptions[] = [
  { kea: "2.6", sockets: "raw" },
  { kea: "2.6", sockets: "udp", threads: 0 },
  { kea: "2.6", family: 6 },
  { kea: "newest", sockets: "raw" },
];

for (const options of SERVERS) {
  const what = `Kea ${options.kea} DHCPv${options.family ?? 4} ${options.sockets ?? "udp"}`;
  Deno.test(`packet_socket_wait has the time for which ${what} stood still`, async () => {
    await using lab = await startLab(options);
    const monitored = await startMonitor(lab.pid, ["--duration", "9", "--profile", "light"]);
    const load = runPerfdhcp(lab, { rate: 50, exchanges: 200 });
    await pause(1500);
    Deno.kill(lab.pid, "SIGSTOP");
    await pause(STANDSTILL_MS);
    Deno.kill(lab.pid, "SIGCONT");
    await load;
    const { code, stderr } = await monitored.end();
    assert.equal(code, 0, stderr);
    const document = await documentIn(monitored);

    const received = total(document, "network_traffic", { direction: "received" }, "packets");
    assert.equal(total(document, "packet_socket_wait", {}), received);
    const waits = document.totals.filter(({ metric }) => metric === "packet_socket_wait");
    for (const wait of waits) {
      assert.ok(wait.kind === "histogram");
      // Half of the packets came while it went, and were read at once.
      const [median] = wait.quantiles.filter(({ q }) => q === 0.5);
      assert.ok(median!.value < 50e6, `${wait.labels["message"]}: median ${median!.value} ns`);
    }
    const longest = Math.max(...waits.map((wait) => wait.kind === "histogram" ? wait.max : 0));
    // The first of the packets that it found: at 50 a second, it came within 20 ms of the stop.
    const least = (STANDSTILL_MS - 50) * 1e6;
    assert.ok(longest >= least && longest <= least + 400e6, `the longest wait was ${longest} ns`);
    // The wait is none of the server's own time, but of the packets that it had in hand.
    const long = document.totals.reduce(
      (sum, each) =>
        each.metric !== "packet_processing_time" || each.kind !== "histogram"
          ? sum
          : each.buckets.reduce((sum, { lower, count }) => sum + (lower > 300e6 ? count : 0), sum),
      0,
    );
    assert.ok(long <= IN_HAND, `${long} packets took over 300 ms`);
  });
}
