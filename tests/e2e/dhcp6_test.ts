/** kea-dhcp6: every message of a client's life, behind relays, and malformed packets. Needs root. */

import assert from "node:assert/strict";
import { keaStatistics } from "../../discovery/control_channel.ts";
import { describeServer } from "../../discovery/servers.ts";
import type { HistogramSeries, MetricsDocument } from "../../metrics/document.ts";
import { PROFILES } from "../../probes/programs.ts";
import { KEAS, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { endsOf } from "./frames.ts";
import { total } from "./monitored.ts";
import { inClient, watched } from "./watched.ts";
import { wrongLengths6 } from "./wrong_lengths.ts";

const histograms = (document: MetricsDocument, metric: string) =>
  document.totals.filter((series): series is HistogramSeries =>
    series.metric === metric && series.kind === "histogram"
  );

const CLIENTS = 23;

for (const [kea, hops] of [["2.2", 1], ["2.6", 3], ["newest", 2]] as const) {
  Deno.test(`each message of a client's life behind ${hops} relays is timed, Kea ${kea}`, async () => {
    await using lab = await startLab({ family: 6, kea });
    let got: Record<string, number> = {};
    const document = await watched(lab, kea, "deep", async () => {
      got = JSON.parse(
        await inClient(lab, "v6_client.ts", ["fd77::1", String(CLIENTS), String(hops)]),
      );
    });
    const expected = {
      "SOLICIT -> ADVERTISE": CLIENTS,
      "SOLICIT -> REPLY": CLIENTS,
      "REQUEST -> REPLY": CLIENTS,
      "CONFIRM -> REPLY": CLIENTS,
      "RENEW -> REPLY": CLIENTS,
      "REBIND -> REPLY": CLIENTS,
      "RELEASE -> REPLY": CLIENTS,
      "INFORMATION_REQUEST -> REPLY": CLIENTS,
    };
    assert.deepEqual(got, expected);
    const ours = histograms(document, "packet_processing_time").map(({ labels, count }) =>
      [`${labels["message"]} -> ${labels["answer"]}`, count] as const
    );
    assert.deepEqual(Object.fromEntries(ours), expected);
    assert.equal(total(document, "error_rate", { kind: "unanswered" }), 0);
    // An address and a prefix: two allocations, one interval of the packet.
    for (const message of ["SOLICIT", "REQUEST", "RENEW", "REBIND"]) {
      const times = message === "SOLICIT" ? 2 : 1;
      assert.equal(total(document, "lease_allocation_time", { message }), times * CLIENTS, message);
    }
    // The stages of a message add up to the whole.
    for (const message of ["SOLICIT", "REQUEST", "RENEW", "REBIND"]) {
      const sum = (metric: string) =>
        histograms(document, metric).filter(({ labels }) => labels["message"] === message)
          .reduce((sum, { sum: part }) => sum + Number(part), 0);
      const [whole, stages] = [sum("packet_processing_time"), sum("packet_stage_time")];
      assert.ok(Math.abs(stages / whole - 1) < 0.001, `${message}: ${stages} of ${whole} ns`);
    }
  });
}

const PACKETS = 2000;

for (const kea of Object.keys(KEAS) as (keyof typeof KEAS)[]) {
  for (const profile of PROFILES) {
    Deno.test(`${PACKETS} malformed DHCPv6 packets do no harm, Kea ${kea}, profile ${profile}`, async () => {
      await using lab = await startLab({ family: 6, kea });
      const { pid } = lab;
      const before = await keaStatistics(lab.controlSocket);
      const document = await watched(lab, kea, profile, async () => {
        await inClient(lab, "send_malformed_v6.ts", ["fd77::1", String(PACKETS)]);
        const frames = wrongLengths6(300, await endsOf(lab)).map(({ frame }) => frame.toHex());
        await inClient(lab, "send_frames.ts", [lab.clientInterface], frames.join("\n"));
        const report = await runPerfdhcp(lab, { rate: 50, exchanges: 51 });
        assert.equal(report["REQUEST-REPLY"]!.received, 51);
      });
      const after = await keaStatistics(lab.controlSocket);
      assert.equal((await describeServer(pid)).pid, pid);
      assert.ok(after["pkt6-received"]! - before["pkt6-received"]! > PACKETS / 2);
      assert.ok(
        total(document, "error_rate", { kind: "exception" }) > 0,
        "no exception was counted",
      );
      assert.equal(
        total(document, "packet_processing_time", { answer: "REPLY", message: "REQUEST" }),
        51,
      );
    });
  }
}
