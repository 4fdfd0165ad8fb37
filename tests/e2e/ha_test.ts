/** The library of Kea's high availability, with a real partner. Needs root and Kea. */

import assert from "node:assert/strict";
import { watchLoad } from "../../tools/lab/counts.ts";
import { keaCommand } from "../../discovery/control_channel.ts";
import type { MetricsDocument } from "../../metrics/document.ts";
import type { Profile } from "../../probes/programs.ts";
import { bpftraceOf } from "../../tools/lab/kea_builds.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { total } from "../../metrics/totals.ts";
import { libraries, partnerSocket, PATIENT_MS, startPartner, stateOf } from "./ha_pair.ts";
import { until } from "./run_script.ts";
import { assertComplete } from "./watched.ts";

const EXCHANGES = 101;

/** Watches a lab while it acknowledges leases. */
async function watched(
  lab: Lab,
  profile: Profile,
): Promise<{ readonly document: MetricsDocument; readonly offers: number; readonly acks: number }> {
  const { document, report } = await watchLoad(lab, {
    profile,
    bpftrace: await bpftraceOf("2.2"),
    rate: 40,
    exchanges: EXCHANGES,
  });
  assertComplete(document);
  const offers = report["DISCOVER-OFFER"]!.received;
  const acks = report["REQUEST-ACK"]!.received;
  // On a busy machine perfdhcp sends a few more than it was asked for.
  assert.ok(acks >= EXCHANGES, JSON.stringify(report));
  return { document, offers, acks };
}

for (const profile of ["standard", "deep"] as const) {
  Deno.test(`packets that wait for the partner of a pair are distinguished, ${profile}`, async () => {
    await using lab = await startLab({ hooks: libraries("primary", PATIENT_MS) });
    await using _partner = await startPartner(lab);
    await until(async () => await stateOf(lab) === "hot-standby", "both servers are ready");
    const { document, offers, acks } = await watched(lab, profile);
    // The partner has each lease before the client has.
    const { leases } = await keaCommand(
      partnerSocket(lab),
      "lease4-get-all",
    ) as { leases: unknown[] };
    assert.equal(leases.length, acks);
    const count = (metric: string, labels: Readonly<Record<string, string>>) =>
      total(document, metric, labels);
    assert.equal(count("packet_processing_time", { message: "DHCPREQUEST" }), acks);
    // Another thread sends them: no stages, and the allocation is of no other packet.
    assert.equal(count("lease_allocation_time", { message: "unknown" }), acks);
    assert.equal(count("lease_allocation_time", { message: "DHCPREQUEST" }), 0);
    const stage = profile === "deep" ? "commit" : "after";
    assert.equal(count("packet_stage_time", { message: "DHCPREQUEST", stage }), 0);
    assert.equal(count("packet_stage_time", { message: "DHCPDISCOVER", stage }), offers);
    const ha = { library: "libdhcp_ha.so", hook_point: "leases4_committed" };
    const isDeep = profile === "deep";
    assert.equal(count("hook_callout_time", ha), isDeep ? acks : 0);
    assert.equal(count("hook_next_step", { ...ha, next_step: "park" }), isDeep ? acks : 0);
    // The library keeps its last packets until it talks with the partner again: some, or many on a busy
    // machine.
    const parked = count("packet_parked_time", { hook_point: "leases4_committed" });
    if (isDeep) assert.ok(parked > 0 && parked <= acks, `${parked} of ${acks}`);
  });
}

Deno.test("packets that could wait for a partner that is down, and do not, have their stages", async () => {
  await using lab = await startLab({ hooks: libraries("primary", 3000) });
  await until(async () => await stateOf(lab) === "partner-down", "the partner is given up");
  const { document, acks } = await watched(lab, "deep");
  const message = "DHCPREQUEST";
  assert.equal(total(document, "packet_stage_time", { message, stage: "commit" }), acks);
  assert.equal(total(document, "lease_allocation_time", { message }), acks);
  assert.equal(total(document, "hook_next_step", { next_step: "park" }), 0);
});
