/** kea-dhcp6: every message of a client's life, behind relays, and malformed packets. Needs root. */

import assert from "node:assert/strict";
import { keaStatistics } from "../../discovery/control_channel.ts";
import { describeServer } from "../../discovery/servers.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { endsOf } from "./frames.ts";
import { exchangesIn, histogramsOf, total, withoutAnswer } from "../../metrics/totals.ts";
import { inClient, watched } from "./watched.ts";
import { wrongLengths6 } from "./wrong_lengths.ts";

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
    assert.deepEqual(exchangesIn(document), expected);
    assert.equal(withoutAnswer(document), 0);
    // An address and a prefix: two allocations, one interval of the packet.
    for (const message of ["SOLICIT", "REQUEST", "RENEW", "REBIND"]) {
      const times = message === "SOLICIT" ? 2 : 1;
      assert.equal(total(document, "lease_allocation_time", { message }), times * CLIENTS, message);
    }
    // The stages of a message add up to the whole.
    for (const message of ["SOLICIT", "REQUEST", "RENEW", "REBIND"]) {
      const sum = (metric: string) =>
        histogramsOf(document, metric, { message }).reduce(
          (sum, { sum: part }) => sum + Number(part),
          0,
        );
      const [whole, stages] = [sum("packet_processing_time"), sum("packet_stage_time")];
      assert.ok(Math.abs(stages / whole - 1) < 0.001, `${message}: ${stages} of ${whole} ns`);
    }
  });
}

const PACKETS = 2000;

/** Each Kea in the deepest profile, and each profile once. */
const CASES = [
  ["2.2", "deep"],
  ["2.2", "light"],
  ["2.6", "deep"],
  ["newest", "deep"],
  ["newest", "standard"],
] as const;

for (const [kea, profile] of CASES) {
  Deno.test(`${PACKETS} malformed DHCPv6 packets do no harm, Kea ${kea}, profile ${profile}`, async () => {
    await using lab = await startLab({ family: 6, kea });
    const { pid } = lab;
    const before = await keaStatistics(lab.controlSocket);
    let acknowledged = 0;
    const document = await watched(lab, kea, profile, async () => {
      await inClient(lab, "send_malformed_v6.ts", ["fd77::1", String(PACKETS)]);
      const frames = wrongLengths6(300, await endsOf(lab)).map(({ frame }) => frame.toHex());
      await inClient(lab, "send_frames.ts", [lab.clientInterface], frames.join("\n"));
      const report = await runPerfdhcp(lab, { rate: 50, exchanges: 51 });
      acknowledged = report["REQUEST-REPLY"]!.received;
    }, { top: 10, by: "relay" });
    const after = await keaStatistics(lab.controlSocket);
    assert.ok(acknowledged >= 51, `${acknowledged} are acknowledged`);
    assert.equal((await describeServer(pid)).pid, pid);
    assert.ok(after["pkt6-received"]! - before["pkt6-received"]! > PACKETS / 2);
    assert.ok(
      total(document, "error_rate", { kind: "exception" }) > 0,
      "no exception was counted",
    );
    assert.equal(
      total(document, "packet_processing_time", { answer: "REPLY", message: "REQUEST" }),
      acknowledged,
    );
  });
}
