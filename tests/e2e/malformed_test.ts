/** Malformed packets at a server with every program attached do it no harm. Needs root and Kea. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { keaStatistics } from "../../discovery/control_channel.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { documentIn, startMonitor, total } from "./monitored.ts";

const PACKETS = 5000;

for (const threads of [0, 2]) {
  Deno.test(`monitor --profile deep does no harm when ${PACKETS} malformed packets come, ${threads} threads`, async () => {
    await using lab = await startLab({ threads });
    const before = await keaStatistics(lab.controlSocket);
    const monitored = await startMonitor(lab.pid, ["--duration", "12", "--profile", "deep"]);
    const sender = await new Deno.Command("ip", {
      args: [
        ...["netns", "exec", lab.clientNetns, "timeout", "30", Deno.execPath(), "run", "-A"],
        ...[join(import.meta.dirname!, "send_malformed.ts"), lab.serverAddress, String(PACKETS)],
      ],
    }).output();
    assert.ok(sender.success, new TextDecoder().decode(sender.stderr));
    const report = await runPerfdhcp(lab, { rate: 50, exchanges: 101 });
    assert.equal(report["REQUEST-ACK"]!.received, 101);
    const { code, stderr } = await monitored.end();
    assert.equal(code, 0, stderr);
    const after = await keaStatistics(lab.controlSocket);
    const document = await documentIn(monitored);
    assert.equal(document.capture.verdict, "COMPLETE", document.capture.reasons.join());
    assert.equal(document.server.pid, lab.pid);

    const dropped = after["pkt4-receive-drop"]! - before["pkt4-receive-drop"]!;
    assert.ok(dropped > 1000, `Kea dropped ${dropped}`);
    assert.equal(
      total(document, "error_rate", { kind: "statistic", id: "pkt4-receive-drop" }),
      dropped,
    );
    const exceptions = document.totals.filter(({ labels }) => labels["kind"] === "exception");
    assert.ok(exceptions.length > 0, "no exception was counted");
    assert.ok(exceptions.some(({ labels }) => labels["id"]!.startsWith("isc::")));
    assert.ok(
      total(document, "error_rate", { kind: "exception" }) >=
        after["pkt4-parse-failed"]! - before["pkt4-parse-failed"]!,
    );
    assert.ok(total(document, "packet_processing_time", { message: "DHCPDISCOVER" }) >= 101);
  });
}
