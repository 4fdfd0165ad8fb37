/** Malformed packets at a server with every program attached do it no harm. Needs root and Kea. */

import assert from "node:assert/strict";
import { keaStatistics } from "../../discovery/control_channel.ts";
import { PROFILES } from "../../probes/programs.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { endsOf } from "./frames.ts";
import { documentIn, startMonitor, total } from "./monitored.ts";
import { inClient } from "./watched.ts";
import { wrongLengths4 } from "./wrong_lengths.ts";

/** The oldest Kea thoroughly, the newer ones with each profile. */
const CASES = [
  { kea: "2.2", threads: 0, profile: "deep", packets: 5000, duration: 12 },
  { kea: "2.2", threads: 2, profile: "deep", packets: 5000, duration: 12 },
  ...(["2.6", "newest"] as const).flatMap((kea) =>
    PROFILES.map((profile) => ({ kea, threads: 2, profile, packets: 2000, duration: 8 }) as const)
  ),
] as const;

for (const { kea, threads, profile, packets, duration } of CASES) {
  Deno.test(`monitor --profile ${profile} does no harm when ${packets} malformed packets come, Kea ${kea}, ${threads} threads`, async () => {
    await using lab = await startLab({ kea, threads });
    const before = await keaStatistics(lab.controlSocket);
    const monitored = await startMonitor(lab.pid, [
      ...["--duration", String(duration), "--profile", profile, "--no-visualization"],
    ]);
    await inClient(lab, "send_malformed.ts", [lab.serverAddress, String(packets)]);
    const frames = wrongLengths4(300, await endsOf(lab)).map(({ frame }) => frame.toHex());
    await inClient(lab, "send_frames.ts", [lab.clientInterface], frames.join("\n"));
    const report = await runPerfdhcp(lab, { rate: 50, exchanges: 101 });
    assert.equal(report["REQUEST-ACK"]!.received, 101);
    const { code, stderr } = await monitored.end();
    assert.equal(code, 0, stderr);
    const after = await keaStatistics(lab.controlSocket);
    const document = await documentIn(monitored);
    assert.equal(document.capture.verdict, "COMPLETE", document.capture.reasons.join());
    assert.equal(document.server.pid, lab.pid);

    const dropped = after["pkt4-receive-drop"]! - before["pkt4-receive-drop"]!;
    assert.ok(dropped > packets / 5, `Kea dropped ${dropped}`);
    if (profile === "deep") {
      assert.equal(
        total(document, "error_rate", { kind: "statistic", id: "pkt4-receive-drop" }),
        dropped,
      );
    }
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
