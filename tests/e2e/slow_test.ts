/** Slow packets one by one, against a hook library whose delays are known. Needs root and kea-dev. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { delayingHooks } from "../../tools/lab/delaying_hooks.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { type PerfdhcpReport, runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { total } from "../../metrics/totals.ts";
import { type Monitored, startMonitor } from "./monitored.ts";
import { until } from "./run_script.ts";
import { assertComplete } from "./watched.ts";

/** How long a slow packet sleeps, and from when on one is slow: long even on a busy machine, milliseconds. */
const [SLEEP, SLOW] = [250, 200];

/** Packets that the kernel reports per second, as a monitor asks it to. */
const MOST_PER_SECOND = 20;

const answersIn = (report: PerfdhcpReport) =>
  Object.values(report).reduce((sum, { received }) => sum + received, 0);

Deno.test("packets over the threshold are listed with client, transaction and stages, DHCPv4", async () => {
  const hooks = [{
    path: await delayingHooks(),
    parameters: { sleep: { leases4_committed: SLEEP } },
  }];
  // So many threads that no packet waits for those that sleep.
  await using lab = await startLab({ hooks, threads: 32 });
  await using monitored = await startMonitor(lab.pid, [
    ...["--profile", "deep", "--slow", String(SLOW)],
  ]);
  const report = await runPerfdhcp(lab, { rate: 10, exchanges: 13 });
  const { document, stderr } = await monitored.stop();
  assertComplete(document);
  const { packets, omitted } = document.slow!;
  assert.deepEqual([packets.length, omitted], [report["REQUEST-ACK"]!.received, 0]);
  for (const packet of packets) {
    assert.deepEqual([packet.message, packet.answer], ["DHCPREQUEST", "DHCPACK"]);
    assert.match(packet.transaction, /^[0-9a-f]{8}$/);
    assert.match(packet.client, /^00:0c:01:02:03:[0-9a-f]{2}$/);
    assert.ok(packet.stages["commit"]! > SLEEP * 1e6, JSON.stringify(packet));
  }
  assertDistinct(packets);
  assert.match(stderr, /Slow packets, over/);
});

Deno.test("packets over the threshold are listed with client, transaction and stages, DHCPv6", async () => {
  await using lab = await startLab({ family: 6 });
  await using monitored = await startMonitor(lab.pid, ["--profile", "deep", "--slow", "0.001"]);
  const report = await runPerfdhcp(lab, { rate: 10, exchanges: 13 });
  const { document, stderr } = await monitored.stop();
  assertComplete(document);
  const { packets, omitted } = document.slow!;
  assert.equal(packets.length + omitted, answersIn(report));
  for (const { transaction, client } of packets) {
    assert.match(transaction, /^[0-9a-f]{6}$/);
    assert.match(client, /^00:01:00:01:.*:00:0c:01:02:03:[0-9a-f]{2}$/);
  }
  assertDistinct(packets);
  assert.match(stderr, /Slow packets, over/);
});

/** Packets are of several clients, and the stages of each are its whole time. */
function assertDistinct(
  packets: readonly {
    readonly client: string;
    readonly duration_ns: number;
    readonly stages: Readonly<Record<string, number>>;
  }[],
): void {
  const clients = new Set(packets.map(({ client }) => client));
  assert.ok(clients.size > 9, `${clients.size} clients`);
  for (const { stages, duration_ns } of packets) {
    assert.equal(Object.values(stages).reduce((sum, ns) => sum + ns, 0), duration_ns);
  }
}

Deno.test("many slow packets are limited in the kernel, what is left out is counted, clients are hashed", async () => {
  await using lab = await startLab();
  await using monitored = await startMonitor(lab.pid, ["--slow", "0.001", "--redact"]);
  const report = await runPerfdhcp(lab, { rate: 200, exchanges: 401 });
  const { document } = await monitored.stop();
  const everything = await Deno.readTextFile(join(monitored.folder, "capture.ndjson"));
  assertComplete(document);
  const { packets, omitted } = document.slow!;
  assert.equal(packets.length + omitted, answersIn(report));
  assert.equal(total(document, "packet_processing_time"), answersIn(report));
  const seconds = Math.ceil(document.capture.duration_seconds!) + 1;
  assert.ok(packets.length <= MOST_PER_SECOND * seconds, `${packets.length} in ${seconds} s`);
  assert.ok(omitted > 0, "the limit was reached");
  assert.doesNotMatch(everything, /00:0c:01/);
  for (const { client } of packets) assert.match(client, /^[0-9a-f]{12}$/);
});

Deno.test("--slow auto learns what is slow from a first look", async () => {
  await using lab = await startLab();
  const over = new AbortController();
  const traffic = runPerfdhcp(lab, { rate: 50, exchanges: 50 * 300, signal: over.signal })
    .catch(() => {});
  await using monitored = await startMonitor(lab.pid, ["--slow", "auto"]);
  const samples = async () =>
    (await monitored.records()).filter(({ type }) => type === "sample").length;
  await until(async () => await samples() > 3, "it has some windows");
  const { document, stderr } = await monitored.stop();
  over.abort();
  await traffic;
  const records = await monitored.records();
  assert.match(stderr, /Slow packets take over [\d.]+ ms: the p99\.9 of \d{3,} packets/);
  const { threshold_ns, packets } = document.slow!;
  assert.ok(threshold_ns > 100e3, `${threshold_ns} ns`);
  assert.equal(records.filter(({ type }) => type === "slow").length, packets.length);
});

Deno.test("--slow auto goes on with a Kea that was restarted while it learned", async () => {
  await using lab = await startLab();
  const first = lab.pid;
  const starting = startMonitor(lab.pid, ["--slow", "auto"]);
  // The first look lasts 10 s where so little comes; at its beginning it asks Kea for its counters.
  const isAsked = async () =>
    / COMMAND_RECEIVED .*statistic/.test(await Deno.readTextFile(lab.log));
  await until(isAsked, "the first look begins");
  Deno.kill(first, "SIGKILL");
  await lab.restart();
  await using monitored: Monitored = await starting;
  const report = await runPerfdhcp(lab, { rate: 50, exchanges: 53 });
  const { document } = await monitored.stop();
  assertComplete(document);
  assert.equal(document.server.pid, lab.pid);
  assert.notEqual(lab.pid, first);
  assert.equal(
    total(document, "packet_processing_time", { message: "DHCPREQUEST" }),
    report["REQUEST-ACK"]!.received,
  );
});
