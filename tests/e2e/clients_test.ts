/** What a server's clients suffer: how long they have waited, and what they send again. Needs root and Kea. */

import assert from "node:assert/strict";
import { type LabOptions, startLab } from "../../tools/lab/lab.ts";
import { histogramsOf, total } from "../../metrics/totals.ts";
import { type ClientPacket, sendPackets } from "./client_packets.ts";
import { watched } from "./watched.ts";

/** Clients that wait longer than half a second are no two relays. */
const LATER = { pause: 700 };

const LABS: readonly LabOptions[] = [
  { kea: "2.2", family: 4, sockets: "raw", threads: 0 },
  { kea: "2.2", family: 4, sockets: "udp" },
  { kea: "2.2", family: 6 },
  { kea: "2.6", family: 4 },
  { kea: "2.6", family: 6, threads: 0 },
  { kea: "newest", family: 4 },
  { kea: "newest", family: 6 },
];

/** How many clients say that they have waited so long. */
const WAITED = {
  // Seconds; the last two are 2 and 255, with their bytes swapped.
  4: new Map([[0, 23], [1, 17], [7, 13], [15, 11], [301, 7], [0x0200, 3], [0xff00, 5]]),
  // Hundredths of a second.
  6: new Map([[0, 23], [3, 17], [15, 13], [107, 11], [0xffff, 7]]),
};

for (const options of LABS) {
  const { kea = "2.2", family = 4 } = options;
  const name = `Kea ${kea} DHCPv${family} ${options.sockets ?? ""} ${options.threads ?? ""}`.trim();

  Deno.test(`clients' own waiting times and what they repeat are counted, ${name}`, async () => {
    await using lab = await startLab(options);
    const message = family === 4 ? "DHCPDISCOVER" : "SOLICIT";
    let transaction = 0x10_0000;
    const waiting = [...WAITED[family]].flatMap(([waited, count]) =>
      Array.from({ length: count }, (_, client): ClientPacket => (
        { client, transaction: transaction++, waited }
      ))
    );
    const refused = Array.from({ length: 101 }, (_, client): ClientPacket => (
      { client, transaction: transaction++, isRefused: true }
    ));
    let answers = 0;
    const document = await watched(lab, kea, "light", async () => {
      answers = await sendPackets(lab, [
        ...waiting,
        // Answered, and asked again.
        LATER,
        ...waiting,
        // Refused, and asked again twice; by two relays each time.
        ...[0, 1, 2].flatMap(() => [LATER, ...refused.flatMap((each) => [each, each])]),
        // With another transaction it is another request.
        LATER,
        ...refused.map((each) => ({ ...each, transaction: each.transaction + 1000 })),
      ]);
    });
    assert.equal(answers, 2 * waiting.length);
    assert.equal(total(document, "retransmissions", { message }, "packets"), 4 * refused.length);
    assert.equal(total(document, "retransmissions", {}, "packets"), 4 * refused.length);

    const [waits, ...others] = histogramsOf(document, "client_waiting_time");
    assert.deepEqual([waits?.labels, others], [{ message }, []]);
    assert.equal(waits!.unit, family === 4 ? "s" : "cs");
    const counts = new Map(WAITED[family]);
    if (family === 4) {
      // Those that are refused say 0.
      counts.set(0, counts.get(0)! + (6 + 1) * refused.length / 2);
      for (const [swapped, right] of [[0x0200, 2], [0xff00, 255]] as const) {
        counts.set(right, counts.get(swapped)!);
        counts.delete(swapped);
      }
    }
    const expected = [...counts].toSorted(([a], [b]) => a - b)
      .map(([value, count]) => [value, 2 * count]);
    const found = waits!.buckets.map(({ lower, upper, count }) => [
      expected.find(([value]) => value! >= lower && value! < upper)?.[0],
      count,
    ]);
    assert.deepEqual(found, expected);
    assert.equal(waits!.sum, expected.reduce((sum, [value, count]) => sum + value! * count!, 0));
  });
}
