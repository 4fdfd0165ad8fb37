/** Malformed packets at a server with every program attached do it no harm. Needs root and Kea. */

import assert from "node:assert/strict";
import { keaStatistics } from "../../discovery/control_channel.ts";
import type { Profile } from "../../probes/programs.ts";
import type { KEAS } from "../../tools/lab/kea_builds.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { total } from "../../metrics/totals.ts";
import { endsOf } from "./frames.ts";
import { startMonitor } from "./monitored.ts";
import { assertComplete, inClient } from "./watched.ts";
import { wrongLengths4 } from "./wrong_lengths.ts";

const HOOKS = "/usr/lib/x86_64-linux-gnu/kea/hooks";

/** The oldest Kea thoroughly, the newer ones in the deepest profile; each profile once. */
const CASES: readonly {
  readonly kea: keyof typeof KEAS;
  readonly threads: number;
  readonly profile: Profile;
  readonly packets: number;
  /** A hook library that reads the packets before Kea does, and counts those that it drops. */
  readonly hook?: string;
}[] = [
  { kea: "2.2", threads: 0, profile: "deep", packets: 5000 },
  { kea: "2.2", threads: 2, profile: "deep", packets: 5000 },
  { kea: "2.6", threads: 2, profile: "deep", packets: 2000 },
  { kea: "2.6", threads: 2, profile: "standard", packets: 2000 },
  { kea: "newest", threads: 2, profile: "deep", packets: 2000 },
  { kea: "newest", threads: 2, profile: "light", packets: 2000 },
  { kea: "2.2", threads: 2, profile: "deep", packets: 500, hook: "bootp" },
  { kea: "newest", threads: 2, profile: "deep", packets: 500, hook: "bootp" },
];

for (const { kea, threads, profile, packets, hook } of CASES) {
  const name = `Kea ${kea}, ${threads} threads${hook === undefined ? "" : `, ${hook}`}`;
  Deno.test(`monitor --profile ${profile} does no harm when ${packets} malformed packets come, ${name}`, async () => {
    const hooks = hook === undefined ? [] : [{ path: `${HOOKS}/libdhcp_${hook}.so` }];
    await using lab = await startLab({ kea, threads, hooks });
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
      for (const id of ["pkt4-receive-drop", "pkt4-parse-failed"]) {
        assert.equal(
          total(document, "error_rate", { kind: "statistic", id }),
          after[id]! - before[id]!,
          id,
        );
      }
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
