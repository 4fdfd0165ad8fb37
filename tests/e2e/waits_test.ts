/**
 * What packets wait for, compared with a hook library that waits for known things and with what the kernel
 * counted for its threads meanwhile. Needs root, Kea and g++.
 */

import assert from "node:assert/strict";
import type { HistogramSeries, MetricsDocument } from "../../metrics/document.ts";
import { type Cause, CAUSES } from "../../metrics/waits.ts";
import { watchLoad } from "../../tools/lab/counts.ts";
import { bpftraceOf, type KEAS } from "../../tools/lab/kea_builds.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { startSlowFileSystem } from "../../tools/lab/slow_file_system.ts";
import { histogramsOf } from "../../metrics/totals.ts";
import { type Waited, waitedIn, waitFor, waitingHooks } from "../../tools/lab/waiting_hooks.ts";
import { watchWhile } from "../../tools/lab/watch_while.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { cpuGroup } from "../../tools/lab/cpu_group.ts";
import { until } from "./run_script.ts";
import { assertComplete } from "./watched.ts";

/** What a packet waits for, one after the other, and for how long. */
const MADE = ["running", "lock", "disk", "network", "memory"] as const satisfies readonly Cause[];
const WAIT_MS = 5;

/** Nothing else may take longer, milliseconds per packet. */
const MOST_MS = 0.5;

/** In every packet, and for how long depends on how busy the machine is. */
const ANYWHERE: ReadonlySet<Cause> = new Set(["running", "run_queue"]);

/** A prime number, with each cause at least 10 times. */
const EXCHANGES = 53;

/** Messages: the one that waits, because it commits a lease, and the other one. */
const MESSAGES = {
  4: { waits: "DHCPREQUEST", other: "DHCPDISCOVER" },
  6: { waits: "REQUEST", other: "SOLICIT" },
} as const;

const KINDS = [
  { kea: "2.2", family: 4, threads: 0 },
  { kea: "2.2", family: 4, threads: 4 },
  { kea: "2.2", family: 6, threads: 0 },
  { kea: "2.2", family: 6, threads: 4 },
  { kea: "2.6", family: 4, threads: 4 },
  { kea: "2.6", family: 6, threads: 0 },
  { kea: "newest", family: 4, threads: 0 },
  { kea: "newest", family: 6, threads: 4 },
] as const satisfies readonly {
  readonly kea: keyof typeof KEAS;
  readonly family: 4 | 6;
  readonly threads: number;
}[];

const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, each) => sum + each, 0);

const nsOf = (series: readonly HistogramSeries[]) => sumOf(series.map(({ sum }) => Number(sum)));

const withCause = (document: MetricsDocument, message: string, cause: Cause) =>
  histogramsOf(document, "packet_wait_time", { message, cause })[0];

/**
 * How many packets had a cause for longer than anything else may take. On a busy machine, a part of the time
 * for which another thread holds a lock may pass before the packet's thread gets to it.
 */
function longOnes({ buckets, labels }: HistogramSeries): number {
  // Every packet runs for a while.
  const from = (labels["cause"] === "running" ? 0.8 * WAIT_MS : MOST_MS) * 1e6;
  return sumOf(buckets.filter(({ upper }) => upper > from).map(({ count }) => count));
}

/** Nanoseconds, and by the kernel's counts of the thread how many of them in its way. */
const blockedOf = (waited: readonly Waited[]) =>
  sumOf(waited.map(({ real, running, runQueue }) => real - running - runQueue));

for (const { kea, family, threads } of KINDS) {
  Deno.test(`a packet's waits have their causes, Kea ${kea}, DHCPv${family}, ${threads} threads`, async () => {
    const { waits, other } = MESSAGES[family];
    await using slow = await startSlowFileSystem(WAIT_MS);
    await using lab = await startLab({
      ...{ kea, family, threads },
      hooks: [{ path: await waitingHooks(kea) }],
    });
    await waitFor(lab, MADE, WAIT_MS, slow.folder);
    // On a busy machine, a thread that holds one of Kea's locks would itself wait for a CPU.
    await using _ = await cpuGroup([lab.pid, slow.pid], null);
    const bpftrace = await bpftraceOf(kea);
    const before = await cpuTimesOf(lab.pid);
    const { document } = await watchLoad(lab, {
      ...{ profile: "deep", bpftrace },
      rate: 20,
      exchanges: EXCHANGES,
      slow: { thresholdNs: 1000, redacts: false },
    });
    const ran = (await cpuTimesOf(lab.pid)).running - before.running;
    assertComplete(document);
    const waited = await waitedIn(lab);
    const packets = withCause(document, waits, "running")!.count;
    assert.ok(packets >= EXCHANGES && waited.length === packets, `${waited.length}, ${packets}`);

    const queued = sumOf(waited.map(({ runQueue }) => runQueue));
    const inQueue = Number(withCause(document, waits, "run_queue")?.sum ?? 0);
    assert.ok(inQueue > 0.9 * queued, "waits for a CPU are there");
    for (const cause of MADE) {
      const made = waited.filter((each) => each.cause === cause);
      const series = withCause(document, waits, cause);
      assert.ok(series !== undefined, cause);
      if (cause === "running") {
        // Others may run as long: while a host takes this machine's CPU away, it counts as running.
        const long = longOnes(series);
        assert.ok(long >= made.length, `${long} packets ran long, expected ${made.length}`);
        const inHooks = sumOf(waited.map(({ running }) => running));
        const inPackets = nsOf(histogramsOf(document, "packet_wait_time", { cause }));
        const words =
          `${series.sum} and ${inPackets} ns running, ${inHooks} in hooks, ${ran} in all`;
        assert.ok(Number(series.sum) > inHooks && inPackets < 1.02 * ran, words);
        continue;
      }
      assertNear(longOnes(series), made.length, `packets with ${cause}`);
      // On a busy machine a page of something else may have to be read, too; and a thread that is woken may be
      // on its way to another CPU's queue for a while, which the kernel counts as a part of what it waited for.
      assertNear(Number(series.sum), blockedOf(made), `ns of ${cause}`, {
        less: Math.max(0, inQueue - queued),
        more: 2 * WAIT_MS * 1e6,
      });
    }
    for (const cause of CAUSES.filter((each) => !ANYWHERE.has(each))) {
      const ofOther = Number(withCause(document, other, cause)?.sum ?? 0);
      assert.ok(ofOther / packets < MOST_MS * 1e6, `${other} ${cause}: ${ofOther} ns`);
    }
    assert.ok(Number(withCause(document, waits, "other")?.sum ?? 0) / packets < MOST_MS * 1e6);
    assertWhole(document);
  });
}

Deno.test("a CPU quota of 20 % is a wait for a CPU, as long as the control group says", async () => {
  await using slow = await startSlowFileSystem(WAIT_MS);
  await using lab = await startLab({ threads: 0, hooks: [{ path: await waitingHooks("2.2") }] });
  await waitFor(lab, ["running"], WAIT_MS, slow.folder);
  const { document, result } = await watchWhile(
    lab,
    { profile: "deep", bpftrace: await bpftraceOf("2.2") },
    async () => {
      await using quota = await cpuGroup([lab.pid], 0.2);
      const throttled = await quota.throttledSeconds();
      const { runQueue } = await cpuTimesOf(lab.pid);
      // A third of a CPU, while they last.
      const report = await runPerfdhcp(lab, { rate: 60, exchanges: 101 });
      const requests = report["REQUEST-ACK"]!.sent;
      await until(async () => (await waitedIn(lab)).length === requests, "all are served");
      return {
        throttled: await quota.throttledSeconds() - throttled,
        delayed: ((await cpuTimesOf(lab.pid)).runQueue - runQueue) / 1e9,
      };
    },
  );
  assertComplete(document);
  const queued = ["DHCPDISCOVER", "DHCPREQUEST"].map((message) =>
    Number(withCause(document, message, "run_queue")?.sum ?? 0)
  );
  const seconds = sumOf(queued) / 1e9;
  const { throttled, delayed } = result;
  const words = `${seconds} s in the run queue, throttled ${throttled} s, ${delayed} s in all`;
  assert.ok(throttled > 0.5, words);
  // Some of it is between packets; and on a busy machine it also waits for others.
  assert.ok(seconds > 0.85 * throttled && seconds < 1.02 * delayed, words);
  assert.ok(Number(withCause(document, "DHCPREQUEST", "lock")?.sum ?? 0) < 5e7);
});

/** What the kernel counts for all threads of a process, nanoseconds: on a CPU, and waiting for one. */
async function cpuTimesOf(pid: number): Promise<{ running: number; runQueue: number }> {
  const folder = `/proc/${pid}/task`;
  const times = [...Deno.readDirSync(folder)].map(async ({ name }) =>
    (await Deno.readTextFile(`${folder}/${name}/schedstat`)).split(" ").map(Number)
  );
  const threads = await Promise.all(times);
  return {
    running: sumOf(threads.map(([running]) => running!)),
    runQueue: sumOf(threads.map(([, runQueue]) => runQueue!)),
  };
}

/** Within 10 %, and so much less or more at most. */
function assertNear(
  found: number,
  expected: number,
  what: string,
  { less = 0, more = 0 } = {},
): void {
  const isNear = found >= 0.9 * expected - less && found <= 1.1 * expected + more;
  assert.ok(isNear, `${found} ${what}, expected ${expected}`);
}

/** Queue and causes are the whole time: of all packets together, and of each slow one. */
function assertWhole(document: MetricsDocument): void {
  assert.equal(
    nsOf(histogramsOf(document, "packet_wait_time")) +
      nsOf(histogramsOf(document, "packet_stage_time", { stage: "queue" })),
    nsOf(histogramsOf(document, "packet_processing_time")),
  );
  const { packets } = document.slow!;
  assert.ok(packets.length > 20, `${packets.length} slow packets`);
  for (const { duration_ns, stages, waits } of packets) {
    const parts = [stages["queue"]!, ...Object.values(waits!)];
    assert.ok(parts.every((ns) => ns >= 0), JSON.stringify(waits));
    assert.equal(sumOf(parts), duration_ns);
  }
}
