/** Answers find their requests where requests are alike, or come twice. Needs root, Kea and kea-dev. */

import assert from "node:assert/strict";
import { delayingHooks } from "../../tools/lab/delaying_hooks.ts";
import { KEA_PACKET_QUEUE, type LabOptions, startLab } from "../../tools/lab/lab.ts";
import { exchangesIn, histogramsOf, total, withoutAnswer } from "../../metrics/totals.ts";
import type { MetricsDocument } from "../../metrics/document.ts";
import { sendPackets } from "./client_packets.ts";
import { undisturbed } from "./explained.ts";
import { inClient, watched } from "./watched.ts";

/** Watches a slow server that gets DISCOVERs. */
async function watchedWith(
  options: LabOptions,
  manner: "alike" | "twice",
): Promise<{ readonly document: MetricsDocument; readonly answers: number }> {
  const hooks = [{ path: await delayingHooks(), parameters: { sleep: { pkt4_receive: 5 } } }];
  await using lab = await startLab({ packetQueue: KEA_PACKET_QUEUE, ...options, hooks });
  await using _ = await undisturbed(lab);
  let answers = 0;
  const document = await watched(lab, "2.2", "light", async () => {
    answers = Number(await inClient(lab, "send_discovers.ts", [lab.serverAddress, manner]));
  });
  return { document, answers };
}

for (const sockets of ["raw", "udp"] as const) {
  Deno.test(`no answer takes another's request where clients are alike, ${sockets} sockets`, async () => {
    const { document, answers } = await watchedWith({ sockets }, "alike");
    assert.ok(answers > 500, `${answers} answers`);
    assert.equal(total(document, "error_rate", { kind: "unmatched_answer" }), 0);
    assert.equal(total(document, "packet_processing_time"), answers);
    const slowest = histogramsOf(document, "packet_processing_time").map(({ max }) => Number(max));
    // A queue of 64 before two threads that take 5 ms each; with another's request it is seconds.
    assert.ok(Math.max(...slowest) < 1e9, `${slowest} ns`);
  });

  Deno.test(`a packet that comes twice is answered twice, ${sockets} sockets`, async () => {
    const { document, answers } = await watchedWith({ sockets, threads: 1 }, "twice");
    const received = total(document, "network_traffic", { direction: "received" }, "packets");
    assert.equal(received, 320);
    assert.equal(total(document, "error_rate", { kind: "unmatched_answer" }), 0);
    assert.equal(total(document, "packet_processing_time"), answers);
    assert.equal(withoutAnswer(document), received - answers);
  });
}

Deno.test("a second OFFER does not take the request that came after the first", async () => {
  const hooks = [{ path: await delayingHooks(), parameters: { sleep: { pkt4_receive: 1500 } } }];
  // One thread reads, another works: all three requests are there before the first answer.
  await using lab = await startLab({ threads: 1, hooks });
  const document = await watched(lab, "2.2", "light", async () => {
    const [client, transaction] = [1, 0x5eed];
    const answers = await sendPackets(lab, [
      { client, transaction },
      // A client that waits, not a second relay.
      { pause: 600 },
      { client, transaction },
      { client, transaction, address: [10, 70, 0, 1] },
      { answers: 3 },
    ]);
    assert.equal(answers, 3);
  });
  assert.deepEqual(exchangesIn(document), {
    "DHCPDISCOVER -> DHCPOFFER": 1,
    "DHCPREQUEST -> DHCPACK": 1,
  });
  assert.equal(total(document, "error_rate", { kind: "unmatched_answer" }), 1);
});
