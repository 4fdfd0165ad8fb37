/** The partner of a high-availability pair, with a real one, one of them slowed. Needs root, Kea and kea-dev. */

import assert from "node:assert/strict";
import { keaCommand } from "../../discovery/control_channel.ts";
import type { MetricsDocument } from "../../metrics/document.ts";
import { histogramsOf, total } from "../../metrics/totals.ts";
import { watchLoad } from "../../tools/lab/counts.ts";
import { delayingHooks } from "../../tools/lab/delaying_hooks.ts";
import { bpftraceOf } from "../../tools/lab/kea_builds.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { watchWhile } from "../../tools/lab/watch_while.ts";
import { EACH_KEA } from "./each_kea.ts";
import { libraries, partnerSocket, PATIENT_MS, startPartner, stateOf } from "./ha_pair.ts";
import { until } from "./run_script.ts";
import { assertComplete } from "./watched.ts";

const EXCHANGES = 53;

const requests = (document: MetricsDocument, direction: string, command: string) =>
  histogramsOf(document, "partner_request_time", { direction, command })[0];

for (const { name, options } of EACH_KEA) {
  const { kea = "2.2", family = 4 } = options;

  Deno.test(`each lease update waits for the partner once, ${name}`, async () => {
    await using lab = await startLab({ ...options, hooks: libraries("primary", PATIENT_MS) });
    await using _partner = await startPartner(lab, { kea });
    await until(async () => await stateOf(lab) === "hot-standby", "both servers are ready");
    const { document, report } = await watchLoad(lab, {
      profile: "deep",
      bpftrace: await bpftraceOf(kea),
      rate: 40,
      exchanges: EXCHANGES,
    });
    assertComplete(document);
    const acks = report[family === 4 ? "REQUEST-ACK" : "REQUEST-REPLY"]!.received;
    assert.ok(acks >= EXCHANGES, JSON.stringify(report));
    const { leases } = await keaCommand(partnerSocket(lab), `lease${family}-get-all`) as {
      leases: unknown[];
    };
    assert.equal(leases.length, acks);
    const updates = requests(document, "sent", "lease_update")!;
    assert.equal(updates.count, acks);
    assert.ok(requests(document, "sent", "heartbeat")!.count > 0);
    assert.ok(requests(document, "received", "heartbeat")!.count > 0);
    const hook_point = `leases${family}_committed`;
    // Some are still parked.
    assert.ok(histogramsOf(document, "packet_parked_time", { hook_point })[0]!.count > 0);
  });
}

/** How long the partner takes for each command, at least: longer than until the next request comes. */
const SLOW_MS = 150;

Deno.test("a slow partner is seen from both sides", async () => {
  await using lab = await startLab({ hooks: libraries("primary", PATIENT_MS) });
  const slow = {
    path: await delayingHooks(),
    parameters: { sleep: { command_processed: SLOW_MS } },
  };
  await using partner = await startPartner(lab, { hooks: [slow] });
  await until(async () => await stateOf(lab) === "hot-standby", "both servers are ready");
  const how = { profile: "deep", bpftrace: await bpftraceOf("2.2") } as const;
  const { document: atPartner, result } = await watchWhile(
    partner,
    how,
    () => watchLoad(lab, { ...how, rate: 10, exchanges: EXCHANGES }),
  );
  const { document, report } = result;
  assertComplete(document);
  const acks = report["REQUEST-ACK"]!.received;
  const sent = requests(document, "sent", "lease_update")!;
  const received = requests(atPartner, "received", "lease_update")!;
  assert.deepEqual([sent.count, received.count], [acks, acks]);
  const mean = ({ sum, count }: { sum: number | string | null; count: number }) =>
    Number(sum) / count;
  assert.ok(mean(received) >= SLOW_MS * 1e6, `${mean(received)} ns`);
  assert.ok(mean(received) < mean(sent));
  // The partner answers slowly, and is answered at once.
  assert.ok(mean(requests(document, "received", "heartbeat")!) < mean(sent) / 2);
  const [parked] = histogramsOf(document, "packet_parked_time", {
    hook_point: "leases4_committed",
  });
  // It counts from the end of the callout, in which another thread can have sent the update already.
  assert.ok(mean(parked!) > SLOW_MS * 1e6 / 2, JSON.stringify(parked));
  const most = document.totals.find(({ metric }) => metric === "parked_packets");
  assert.ok(most?.kind === "gauge" && most.max > 0, JSON.stringify(most));
});

Deno.test("lease updates that fail are counted by reason", async () => {
  await using lab = await startLab({ hooks: libraries("primary", PATIENT_MS) });
  await using partner = await startPartner(lab);
  await until(async () => await stateOf(lab) === "hot-standby", "both servers are ready");
  const id = "HA_LEASE_UPDATE_COMMUNICATIONS_FAILED";
  const { document } = await watchWhile(
    lab,
    { profile: "standard", bpftrace: await bpftraceOf("2.2") },
    async () => {
      await partner[Symbol.asyncDispose]();
      await runPerfdhcp(lab, { rate: 10, exchanges: 11 });
    },
  );
  const logged = (await Deno.readTextFile(lab.log)).matchAll(RegExp(id, "g")).toArray().length;
  assert.ok(logged > 0, "no update failed");
  assert.equal(total(document, "error_rate", { kind: "log", severity: "WARN", id }), logged);
  assert.equal(requests(document, "sent", "lease_update"), undefined);
});
