/** Answers find their requests where requests are alike, or come twice. Needs root, Kea and kea-dev. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { delayingHooks } from "../../tools/lab/delaying_hooks.ts";
import { type Lab, type LabOptions, startLab } from "../../tools/lab/lab.ts";
import type { HistogramSeries, MetricsDocument } from "../../metrics/document.ts";
import { documentIn, startMonitor, total } from "./monitored.ts";

/** Watches a slow server that gets DISCOVERs. */
async function watched(
  options: LabOptions,
  manner: "alike" | "twice",
): Promise<{ readonly document: MetricsDocument; readonly answers: number }> {
  const hooks = [{ path: await delayingHooks(), parameters: { sleep: { pkt4_receive: 5 } } }];
  await using lab = await startLab({ ...options, hooks });
  const monitored = await startMonitor(lab.pid, ["--duration", "60", "--profile", "light"]);
  const answers = await send(lab, manner);
  monitored.child.kill("SIGINT");
  const { code, stderr } = await monitored.end();
  assert.equal(code, 0, stderr);
  return { document: await documentIn(monitored), answers };
}

async function send({ clientNetns, serverAddress }: Lab, manner: string): Promise<number> {
  const { success, stdout, stderr } = await new Deno.Command("ip", {
    args: [
      ...["netns", "exec", clientNetns, "timeout", "60", Deno.execPath(), "run", "-A"],
      ...[join(import.meta.dirname!, "send_discovers.ts"), serverAddress, manner],
    ],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return Number(new TextDecoder().decode(stdout));
}

for (const sockets of ["raw", "udp"] as const) {
  Deno.test(`no answer takes another's request where clients are alike, ${sockets} sockets`, async () => {
    const { document, answers } = await watched({ sockets }, "alike");
    assert.ok(answers > 500, `${answers} answers`);
    assert.equal(total(document, "error_rate", { kind: "unmatched_answer" }), 0);
    assert.equal(total(document, "packet_processing_time", {}), answers);
    const slowest = document.totals.filter((series): series is HistogramSeries =>
      series.metric === "packet_processing_time" && series.kind === "histogram"
    ).map(({ max }) => Number(max));
    // A queue of 64 before two threads that take 5 ms each; with another's request it is seconds.
    assert.ok(Math.max(...slowest) < 1e9, `${slowest} ns`);
  });

  Deno.test(`a packet that comes twice is answered twice, ${sockets} sockets`, async () => {
    const { document, answers } = await watched({ sockets, threads: 1 }, "twice");
    const received = total(document, "network_traffic", { direction: "received" }, "packets");
    assert.equal(received, 320);
    assert.equal(total(document, "error_rate", { kind: "unmatched_answer" }), 0);
    assert.equal(total(document, "packet_processing_time", {}), answers);
    assert.equal(total(document, "error_rate", { kind: "unanswered" }), received - answers);
  });
}
