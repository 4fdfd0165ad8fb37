/** The clients and relays that send most, and processing time by relay and interface. Needs root and Kea. */

import assert from "node:assert/strict";
import type { MetricsDocument } from "../../metrics/document.ts";
import { histogramsOf, total } from "../../metrics/totals.ts";
import { bpftraceOf } from "../../tools/lab/kea_builds.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { watchWhile } from "../../tools/lab/watch_while.ts";
import { clientAddress, type ClientPacket, type Interlude, sendPackets } from "./client_packets.ts";
import { EACH_KEA } from "./each_kea.ts";
import { assertComplete } from "./watched.ts";

/** Many more clients than lists show. */
const CLIENTS = 10_000;

/** Packets of the one that comes last, and how many of them come again although they are answered. */
const [LATE, AGAIN] = [499, 53];

/** The relay that answered packets come from. */
const RELAY = { 4: "10.77.0.2", 6: "fd77:1::1" } as const;

/** The greatest counts of a metric, with their labels. */
function busiest({ totals }: MetricsDocument, metric: string) {
  return totals.filter((each) => each.metric === metric).map((each) => ({
    packets: each.kind === "counter" ? Number(each.value) : 0,
    ...each.labels,
  })).toSorted((a, b) => b.packets - a.packets);
}

for (const { name, options } of EACH_KEA) {
  const { kea = "2.2", family = 4 } = options;

  Deno.test(`one of ${CLIENTS} clients that sends half of all packets is first, ${name}`, async () => {
    await using lab = await startLab(options);
    let transaction = 0;
    let answered = 0;
    const packets: (ClientPacket | Interlude)[] = [];
    for (let client = 0; client < CLIENTS; client++) {
      // Few are answered, and waited for, so that the server's buffer holds the others.
      const isAnswered = client % 50 === 0;
      packets.push({ client, transaction: transaction++, isRefused: true });
      packets.push({ client: CLIENTS, transaction: transaction++, isRefused: !isAnswered });
      if (isAnswered) packets.push({ answers: ++answered });
    }
    // One that comes when all the others are known.
    for (let each = 0; each < LATE - AGAIN; each++) {
      const packet = { client: CLIENTS + 1, transaction: transaction++ };
      packets.push(packet, { answers: ++answered });
      if (each < AGAIN) packets.push(packet, { answers: ++answered });
    }
    const { document } = await watchWhile(
      lab,
      { profile: "light", bpftrace: await bpftraceOf(kea), top: 10, by: "relay" },
      () => sendPackets(lab, packets),
    );
    assertComplete(document);
    assert.equal(total(document, "error_rate", { kind: "kernel_drop" }), 0);
    const listed = busiest(document, "client_requests");
    const client = clientAddress(family, CLIENTS);
    assert.deepEqual(listed[0], { packets: CLIENTS, client, count: "exact" });
    const late = listed[1] as { packets: number; client?: string };
    assert.deepEqual([late.packets, late.client], [LATE, clientAddress(family, CLIENTS + 1)]);
    // All others have sent one.
    assert.ok(listed.slice(2).every(({ packets }) => packets === 1));

    const relay = RELAY[family];
    const isUnknown = family === 4
      ? [{ packets: 2 * CLIENTS + LATE - answered, relay: "192.0.2.1" }]
      : [];
    const known = { packets: family === 4 ? answered : 2 * CLIENTS + LATE, relay };
    assert.deepEqual(
      busiest(document, "relay_requests"),
      [...isUnknown, known].map((each) => ({ ...each, count: "exact" })),
    );
    assert.deepEqual(busiest(document, "relay_retransmissions"), [
      { packets: AGAIN, relay, count: "exact" },
    ]);
    const times = histogramsOf(document, "relay_processing_time");
    assert.deepEqual(times.map(({ labels, count }) => [labels, count]), [[{ relay }, answered]]);
    const sums = ["relay_processing_time", "packet_processing_time"].map((metric) =>
      histogramsOf(document, metric).reduce((sum, { sum: each }) => sum + Number(each), 0)
    );
    assert.equal(sums[0], sums[1]);
  });

  Deno.test(`processing time by interface, clients hashed, with all stages, ${name}`, async () => {
    await using lab = await startLab(options);
    // All of them fit into the list of slow packets between two readings.
    const packets = Array.from({ length: 19 }, (_, client) => ({ client, transaction: client }));
    const { document } = await watchWhile(
      lab,
      {
        profile: "deep",
        bpftrace: await bpftraceOf(kea),
        ...{ top: 5, by: "interface", redacts: true },
        slow: { thresholdNs: 1, redacts: true },
      },
      () => sendPackets(lab, packets),
    );
    assertComplete(document);
    const times = histogramsOf(document, "interface_processing_time");
    assert.deepEqual(times.map(({ labels, count }) => [labels, count]), [
      [{ interface: lab.serverInterface }, packets.length],
    ]);
    const listed = busiest(document, "client_requests");
    assert.equal(listed.length, 5);
    const slow = new Set(document.slow!.packets.map(({ client }) => client));
    for (const { client, packets } of listed as { client: string; packets: number }[]) {
      assert.equal(packets, 1);
      assert.match(client, /^[0-9a-f]{12}$/);
      assert.ok(slow.has(client), "the same client has the same hash in both lists");
    }
  });
}
