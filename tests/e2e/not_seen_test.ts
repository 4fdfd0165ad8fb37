/** What was not seen is never COMPLETE, and is counted as far as others counted it. Needs root and Kea. */

import assert from "node:assert/strict";
import { watchWhile } from "../../tools/lab/watch_while.ts";
import { keaCommand } from "../../discovery/control_channel.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import { inThisProcess } from "../../probes/prepare.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { must } from "./run_script.ts";
import { watched } from "./watched.ts";

Deno.test("programs made blind are PARTIAL, an idle server with noise is COMPLETE", async () => {
  await using lab = await startLab();
  const { document: blind, result: report } = await watchWhile(lab, {
    profile: "light",
    bpftrace: await findBpftrace(),
    preparation: inThisProcess({ findHostPid: () => Promise.resolve(1) }),
  }, () => runPerfdhcp(lab, { rate: 100, exchanges: 53 }));
  const sent = Object.values(report).reduce((sum, { sent }) => sum + sent, 0);
  assert.equal(blind.capture.verdict, "PARTIAL");
  assert.match(
    blind.capture.reasons.join(),
    new RegExp(
      `^Kea counted ${sent} packets received \\(pkt4-received\\), and of these the programs saw none`,
    ),
  );

  await watched(lab, "2.2", "light", async () => {
    for (let times = 0; times < 3; times++) {
      await keaCommand(lab.controlSocket, "statistic-get-all");
      // Nothing that a server answers: ARP, a datagram to another port, one too short for a packet.
      await must(
        ...["ip", "netns", "exec", lab.clientNetns, "sh", "-c"],
        "for port in 9 67; do ip neigh flush all; " +
          `bash -c "echo noise > /dev/udp/${lab.serverAddress}/$port"; done`,
      );
    }
  });
});
