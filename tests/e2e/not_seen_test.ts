/** What was not seen is never COMPLETE, and is counted as far as others counted it. Needs root and Kea. */

import assert from "node:assert/strict";
import { watchWhile } from "../../tools/lab/watch_while.ts";
import type { MetricsDocument } from "../../metrics/document.ts";
import { keaCommand } from "../../discovery/control_channel.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import type { WatchOptions } from "../../probes/monitoring_loop.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";

/** Watches a lab with what needs no site while something happens. */
async function watched(
  lab: Lab,
  meanwhile: () => Promise<unknown>,
  more: Partial<WatchOptions> = {},
): Promise<MetricsDocument> {
  const { document } = await watchWhile(lab, {
    profile: "light",
    bpftrace: await findBpftrace(),
    intervalMs: 500,
    durationMs: 60_000,
    say: () => {},
    ...more,
  }, meanwhile);
  return document;
}

Deno.test("programs made blind are PARTIAL, an idle server with noise is COMPLETE", async () => {
  await using lab = await startLab();
  const blind = await watched(lab, () => runPerfdhcp(lab, { rate: 100, exchanges: 53 }), {
    findHostPid: () => Promise.resolve(1),
  });
  assert.equal(blind.capture.verdict, "PARTIAL");
  assert.match(
    blind.capture.reasons.join(),
    /^Kea counted 106 packets received \(pkt4-received\), and of these the programs saw none/,
  );

  const idle = await watched(lab, async () => {
    for (let times = 0; times < 3; times++) {
      await keaCommand(lab.controlSocket, "statistic-get-all");
      // Nothing that a server answers: ARP, a datagram to another port, one too short for a packet.
      await new Deno.Command("ip", {
        args: [
          ...["netns", "exec", lab.clientNetns, "sh", "-c"],
          `for port in 9 67; do ip neigh flush all; ` +
          `bash -c "echo noise > /dev/udp/${lab.serverAddress}/$port"; done`,
        ],
      }).output();
    }
  });
  assert.equal(idle.capture.verdict, "COMPLETE", idle.capture.reasons.join());
});
