/** Slow packets one by one, against a hook library whose delays are known. Needs root and kea-dev. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { readCapture } from "../../metrics/capture.ts";
import { delayingHooks } from "../../tools/lab/delaying_hooks.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { documentIn, startMonitor, total } from "./monitored.ts";

for (const family of [4, 6] as const) {
  Deno.test(`packets over the threshold are listed with client, transaction and stages, DHCPv${family}`, async () => {
    const hooks = family === 4
      ? [{ path: await delayingHooks(), parameters: { sleep: { leases4_committed: 20 } } }]
      : [];
    await using lab = await startLab({ family, hooks });
    const monitored = await startMonitor(lab.pid, [
      ...["--duration", "6", "--profile", "deep", "--no-visualization"],
      ...["--slow", family === 4 ? "15" : "0.001"],
    ]);
    await runPerfdhcp(lab, { rate: 10, exchanges: 13 });
    const { code, stderr } = await monitored.end();
    assert.equal(code, 0, stderr);
    const { slow, ...document } = await documentIn(monitored);
    assert.equal(document.capture.verdict, "COMPLETE", document.capture.reasons.join());
    // Of DHCPv4 the acknowledged alone are slow; of DHCPv6 here all are, 20 a second at most.
    assert.equal(slow!.packets.length + slow!.left_out, family === 4 ? 13 : 26);
    if (family === 4) assert.equal(slow!.left_out, 0);
    const clients = new Set(slow!.packets.map(({ client }) => client));
    assert.ok(clients.size > 9, `${clients.size} clients`);
    for (const packet of slow!.packets) {
      const { message, answer, duration_ns, transaction, client, stages } = packet;
      if (family === 4) {
        assert.deepEqual([message, answer], ["DHCPREQUEST", "DHCPACK"]);
        assert.match(transaction, /^[0-9a-f]{8}$/);
        assert.match(client, /^00:0c:01:02:03:[0-9a-f]{2}$/);
        assert.ok(stages["commit"]! > 20e6, JSON.stringify(packet));
      } else {
        assert.match(transaction, /^[0-9a-f]{6}$/);
        assert.match(client, /^00:01:00:01:.*:00:0c:01:02:03:[0-9a-f]{2}$/);
      }
      const sum = Object.values(stages).reduce((sum, ns) => sum + ns, 0);
      assert.equal(sum, duration_ns);
    }
    assert.match(stderr, /Slow packets, over/);
  });
}

Deno.test("many slow packets are limited in the kernel, what is left out is counted, clients are hashed", async () => {
  await using lab = await startLab();
  const monitored = await startMonitor(lab.pid, [
    ...["--duration", "6", "--no-visualization", "--slow", "0.001", "--redact"],
  ]);
  await runPerfdhcp(lab, { rate: 200, exchanges: 401 });
  const { code, stderr } = await monitored.end();
  assert.equal(code, 0, stderr);
  const everything = await Deno.readTextFile(join(monitored.folder, "capture.ndjson"));
  const { slow, ...document } = await documentIn(monitored);
  assert.equal(document.capture.verdict, "COMPLETE", document.capture.reasons.join());
  assert.equal(slow!.packets.length + slow!.left_out, 802);
  assert.equal(total(document, "packet_processing_time", {}), 802);
  assert.ok(slow!.packets.length <= 20 * 7, `${slow!.packets.length} listed`);
  assert.doesNotMatch(everything, /00:0c:01/);
  for (const { client } of slow!.packets) assert.match(client, /^[0-9a-f]{12}$/);
});

Deno.test("--slow auto learns what is slow from a first look", async () => {
  await using lab = await startLab();
  const traffic = runPerfdhcp(lab, { rate: 50, exchanges: 1100 });
  const monitored = await startMonitor(lab.pid, [
    ...["--duration", "5", "--no-visualization", "--slow", "auto"],
  ]);
  const { code, stderr } = await monitored.end();
  assert.equal(code, 0, stderr);
  await traffic;
  const records = await Array.fromAsync(
    readCapture((await Deno.open(join(monitored.folder, "capture.ndjson"))).readable),
  );
  const { slow } = await documentIn(monitored);
  assert.match(stderr, /Slow packets take over [\d.]+ ms: the p99\.9 of \d{3,} packets/);
  assert.ok(slow!.threshold_ns > 100e3 && slow!.threshold_ns < 100e6, `${slow!.threshold_ns} ns`);
  assert.equal(records.filter(({ type }) => type === "slow").length, slow!.packets.length);
});

Deno.test("--slow auto goes on with a Kea that was restarted while it learned", async () => {
  await using lab = await startLab();
  const starting = startMonitor(lab.pid, [
    ...["--duration", "5", "--no-visualization", "--slow", "auto"],
  ]);
  // The first look lasts 10 s where so little comes.
  await new Promise((resolve) => setTimeout(resolve, 4000));
  const first = lab.pid;
  Deno.kill(first, "SIGKILL");
  await lab.restart();
  const monitored = await starting;
  await runPerfdhcp(lab, { rate: 50, exchanges: 53 });
  const { code, stderr } = await monitored.end();
  assert.equal(code, 0, stderr);
  const document = await documentIn(monitored);
  assert.equal(document.capture.verdict, "COMPLETE", document.capture.reasons.join());
  assert.equal(document.server.pid, lab.pid);
  assert.notEqual(lab.pid, first);
  assert.equal(total(document, "packet_processing_time", { message: "DHCPREQUEST" }), 53);
});
