/** Malformed packets at a server with every program attached do it no harm. Needs root and Kea. */

import assert from "node:assert/strict";
import { keaStatistics } from "../../discovery/control_channel.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { total } from "../../metrics/totals.ts";
import { endsOf } from "./frames.ts";
import { startMonitor } from "./monitored.ts";
import { assertComplete, inClient } from "./watched.ts";
import { wrongLengths4 } from "./wrong_lengths.ts";

/** The oldest Kea thoroughly, the newer ones in the deepest profile; each profile once. */
const CASES = [
  { kea: "2.2", threads: 0, profile: "deep", packets: 5000 },
  { kea: "2.2", threads: 2, profile: "deep", packets: 5000 },
  { kea: "2.6", threads: 2, profile: "deep", packets: 2000 },
  { kea: "2.6", threads: 2, profile: "standard", packets: 2000 },
  { kea: "newest", threads: 2, profile: "deep", packets: 2000 },
  { kea: "newest", threads: 2, profile: "light", packets: 2000 },
] as const;

for (const { kea, threads, profile, packets } of CASES) {
  Deno.test(`monitor --profile ${profile} does no harm when ${packets} malformed packets come, Kea ${kea}, ${threads} threads`, async () => {
    await using lab = await startLab({ kea, threads });
    const before = await keaStatistics(lab.controlSocket);
    await using monitored = await startMonitor(lab.pid, [
      ...["--profile", profile, "--top", "10", "--by", "relay"],
    ]);
    await inClient(lab, "send_malformed.ts", [lab.serverAddress, String(packets)]);
    const frames = wrongLengths4(300, await endsOf(lab)).map(({ frame }) => frame.toHex());
    await inClient(lab, "send_frames.ts", [lab.clientInterface], frames.join("\n"));
    const report = await runPerfdhcp(lab, { rate: 50, exchanges: 101 });
    const acknowledged = report["REQUEST-ACK"]!;
    assert.ok(acknowledged.received >= 101 && acknowledged.received === acknowledged.sent);
    const { document } = await monitored.stop();
    const after = await keaStatistics(lab.controlSocket);
    assertComplete(document);
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
