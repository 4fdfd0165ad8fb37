/** Hook libraries, compared with one whose doing is known. Needs root, Kea and kea-dev. */

import assert from "node:assert/strict";
import { basename } from "node:path";
import { watchLoad } from "../../tools/lab/counts.ts";
import { describeServer } from "../../discovery/servers.ts";
import type { HistogramSeries, MetricsDocument } from "../../metrics/document.ts";
import { planFor } from "../../probes/prepare.ts";
import type { Profile } from "../../probes/programs.ts";
import { delayingHooks } from "../../tools/lab/delaying_hooks.ts";
import { bpftraceOf, KEAS } from "../../tools/lab/kea_builds.ts";
import { KEA_PACKET_QUEUE, type Lab, startLab } from "../../tools/lab/lab.ts";
import { histogramsOf, total, withoutAnswer } from "../../metrics/totals.ts";
import { undisturbed } from "./explained.ts";
import { assertComplete } from "./watched.ts";

const EXCHANGES = 41;

/**
 * Hook points on a packet's way: the stage in which each is, how often it comes an exchange, and how
 * long it sleeps, milliseconds. No sum of some sleeps is near another stage's.
 */
const pointsOf = (family: 4 | 6) =>
  new Map([
    [`buffer${family}_receive`, { stage: "parse", times: 2, sleep: 2 }],
    [`pkt${family}_receive`, { stage: "select", times: 2, sleep: 3 }],
    [`subnet${family}_select`, { stage: "select", times: 2, sleep: 5 }],
    [`host${family}_identifier`, { stage: "select", times: 2, sleep: 7 }],
    [`lease${family}_select`, { stage: "allocate", times: 2, sleep: 11 }],
    [`leases${family}_committed`, { stage: "commit", times: 1, sleep: 19 }],
    [`pkt${family}_send`, { stage: "pack", times: 2, sleep: 29 }],
    [`buffer${family}_send`, { stage: "send", times: 2, sleep: 43 }],
  ]);

/** The message that commits a lease. */
const REQUEST = { 4: "DHCPREQUEST", 6: "REQUEST" } as const;

const STAGES = ["queue", "parse", "select", "allocate", "commit", "pack", "send"] as const;

/** A document of a load, and how many exchanges that was. */
interface Watched {
  readonly document: MetricsDocument;
  readonly exchanges: number;
}

async function watched(
  lab: Lab,
  { kea = "2.2", profile = "deep", rate = 40 }: {
    readonly kea?: keyof typeof KEAS;
    readonly profile?: Profile;
    /** Exchanges per second. */
    readonly rate?: number;
  } = {},
): Promise<Watched> {
  const { document, report } = await watchLoad(lab, {
    profile,
    bpftrace: await bpftraceOf(kea),
    rate,
    exchanges: EXCHANGES,
  });
  assertComplete(document);
  // On a busy machine perfdhcp sends a few more than it was asked for.
  const counts = Object.values(report).flatMap(({ sent, received }) => [sent, received]);
  const [exchanges] = counts;
  assert.ok(exchanges! >= EXCHANGES && counts.every((count) => count === exchanges), `${counts}`);
  return { document, exchanges: exchanges! };
}

/**
 * The shortest time of some series, milliseconds, as its bucket's lower bound. A busy machine makes any
 * time longer, but hardly each of so many.
 */
function shortestOf(series: readonly HistogramSeries[]): number {
  return Math.min(...series.map(({ min }) => Number(min))) / 1e6;
}

/** What series took together, nanoseconds. */
function sumOf(series: readonly HistogramSeries[]): bigint {
  return series.reduce((sum, { sum: part }) => sum + BigInt(part!), 0n);
}

/** Milliseconds that series took together, an event. */
function meanOf(series: readonly HistogramSeries[]): number {
  return Number(sumOf(series)) / series.reduce((sum, { count }) => sum + count, 0) / 1e6;
}

/** The label of the message that commits a lease. */
const requestOf = ({ server }: MetricsDocument) => ({ message: REQUEST[server.family as 4 | 6] });

/** Times of the message that commits a lease, in a stage. */
const stageOf = (document: MetricsDocument, stage: string) =>
  histogramsOf(document, "packet_stage_time", { ...requestOf(document), stage });

/** The same, as a whole. */
const processingOf = (document: MetricsDocument) =>
  histogramsOf(document, "packet_processing_time", requestOf(document));

/** A shortest time is that of a sleep: no less, but for its bucket's bounds, and no other's. */
function isSleep(milliseconds: number, what: string, sleep: number): void {
  assert.ok(
    milliseconds >= 0.875 * sleep && milliseconds <= 1.25 * sleep,
    `${what}: at least ${milliseconds.toFixed(2)} ms, expected ${sleep} ms`,
  );
}

for (const family of [4, 6] as const) {
  Deno.test(`what each hook point sleeps shows there, in its stage and in the whole, DHCPv${family}`, async () => {
    const path = await delayingHooks();
    const points = pointsOf(family);
    const sleep = Object.fromEntries([...points].map(([point, { sleep }]) => [point, sleep]));
    await using lab = await startLab({ family, hooks: [{ path, parameters: { sleep } }] });
    const { document, exchanges } = await watched(lab, { rate: 4 });
    const callouts = histogramsOf(document, "hook_callout_time");
    assert.deepEqual(
      callouts.map(({ labels }) => labels["hook_point"]).sort(),
      [...points.keys()].sort(),
    );
    for (const callout of callouts) {
      const { hook_point, library, callout: name } = callout.labels;
      assert.equal(library, basename(path));
      assert.equal(name, hook_point);
      const { times, sleep } = points.get(hook_point!)!;
      assert.equal(callout.count, times * exchanges, hook_point);
      isSleep(shortestOf([callout]), hook_point!, sleep);
    }
    for (const stage of STAGES) {
      const inStage = [...points.values()].filter((point) => point.stage === stage);
      const sleep = inStage.reduce((sum, { sleep }) => sum + sleep, 0);
      if (sleep > 0) isSleep(shortestOf(stageOf(document, stage)), `stage ${stage}`, sleep);
    }
    // The whole is what the stages are together.
    assert.equal(
      sumOf(processingOf(document)),
      STAGES.map((stage) => sumOf(stageOf(document, stage))).reduce((sum, part) => sum + part),
    );
  });
}

/** Libraries that come with Kea, and what each must count an exchange. */
const REAL = [
  { kea: "2.2", perfmon: false },
  { kea: "2.6", perfmon: true },
  { kea: "newest", perfmon: true },
] as const;

for (const { kea, perfmon } of REAL) {
  Deno.test(`Kea ${kea}'s own hook libraries are distinguished, each with its callouts`, async () => {
    const folder = "/usr/lib/x86_64-linux-gnu/kea/hooks";
    const hooks = [
      { path: `${folder}/libdhcp_lease_cmds.so` },
      { path: `${folder}/libdhcp_stat_cmds.so` },
      {
        path: `${folder}/libdhcp_flex_option.so`,
        parameters: { options: [{ code: 67, add: "'boot'" }] },
      },
      ...perfmon ? [{ path: `${folder}/libdhcp_perfmon.so` }] : [],
    ];
    await using lab = await startLab({ kea, hooks });
    const { document, exchanges } = await watched(lab, { kea });
    const counts = histogramsOf(document, "hook_callout_time").map(({ labels, count }) =>
      [`${labels["library"]} ${labels["hook_point"]}`, count] as const
    );
    assert.deepEqual(
      Object.fromEntries(counts.filter(([name]) => /flex_option|perfmon/.test(name))),
      {
        "libdhcp_flex_option.so pkt4_send": 2 * exchanges,
        ...perfmon ? { "libdhcp_perfmon.so pkt4_send": 2 * exchanges } : {},
      },
    );
  });
}

Deno.test("a callout that throws is timed and its exception counted, and Kea goes on", async () => {
  const hooks = [{
    path: await delayingHooks(),
    parameters: { point: "lease4_select", throw: true },
  }];
  await using lab = await startLab({ hooks });
  const { document, exchanges } = await watched(lab);
  assert.equal(
    total(document, "error_rate", { kind: "exception", id: "std::runtime_error" }),
    2 * exchanges,
  );
  assert.equal(
    total(document, "hook_callout_time", { hook_point: "lease4_select" }),
    2 * exchanges,
  );
  assert.equal(document.server.pid, lab.pid);
});

for (const family of [4, 6] as const) {
  const point = `leases${family}_committed`;

  Deno.test(`parked packets are counted, and how long they were parked, DHCPv${family}`, async () => {
    const hooks = [{ path: await delayingHooks(), parameters: { point, park: 20 } }];
    await using lab = await startLab({ family, hooks });
    // The thread that lets a packet continue counts from before it is parked.
    await using _ = await undisturbed(lab);
    const { document, exchanges } = await watched(lab);
    assert.equal(
      total(document, "hook_next_step", { hook_point: point, next_step: "park" }),
      exchanges,
    );
    const [parked, ...others] = histogramsOf(document, "packet_parked_time");
    assert.equal(others.length, 0);
    assert.equal(parked!.labels["hook_point"], point);
    assert.equal(parked!.count, exchanges);
    isSleep(shortestOf([parked!]), "parked", 20);
  });

  Deno.test(`a parked packet keeps its allocation to itself where callouts do not fit, DHCPv${family}`, async () => {
    // Longer than from one packet to the next, so that threads have several parked.
    const hooks = [{ path: await delayingHooks(), parameters: { point, park: 60 } }];
    await using lab = await startLab({ family, hooks });
    const { document, exchanges } = await watched(lab, { profile: "standard" });
    assert.equal(total(document, "hook_callout_time"), 0, "callouts do not fit");
    const message = REQUEST[family];
    assert.equal(total(document, "packet_processing_time", { message }), exchanges);
    assert.equal(total(document, "packet_stage_time", { message }), 0);
    assert.equal(total(document, "packet_stage_time", { stage: "allocate" }), exchanges);
    assert.equal(total(document, "lease_allocation_time"), 2 * exchanges);
    assert.equal(total(document, "lease_allocation_time", { message: "unknown" }), exchanges);
  });
}

for (const family of [4, 6] as const) {
  Deno.test(`a packet that a callout drops takes nothing from the next one, DHCPv${family}`, async () => {
    const hooks = [{
      path: await delayingHooks(),
      parameters: { point: `leases${family}_committed`, drop: true },
    }];
    // One thread alone: what a dropped packet leaves behind, the next one finds.
    await using lab = await startLab({ family, hooks, threads: 0 });
    const { document, report } = await watchLoad(lab, {
      profile: "standard",
      bpftrace: await bpftraceOf("2.2"),
      rate: 40,
      exchanges: EXCHANGES,
    });
    assertComplete(document);
    const [offers, others] = Object.values(report);
    assert.equal(others!.received, 0, "each request is dropped");
    const message = family === 4 ? "DHCPDISCOVER" : "SOLICIT";
    assert.equal(total(document, "packet_processing_time", { message }), offers!.received);
    assert.equal(total(document, "lease_allocation_time", { message }), offers!.received);
    for (const stage of ["before", "allocate", "after"]) {
      assert.equal(
        total(document, "packet_stage_time", { message, stage }),
        offers!.received,
        stage,
      );
    }
    assert.equal(withoutAnswer(document), others!.sent);
  });
}

Deno.test("nothing is attached for callouts where no hook library is loaded", async () => {
  await using lab = await startLab();
  const plan = await planFor(await describeServer(lab.pid), "deep");
  assert.ok(!plan.sources.some(({ file }) => file === "callouts.bt"));
  assert.ok(
    plan.notAvailable.some(({ metric, why }) =>
      metric === "hook_callout_time" && why.endsWith("the server has no hook library loaded")
    ),
  );
});

Deno.test("with one worker held, the wait in the queue takes the difference", async () => {
  const SLEEP_MS = 5;
  const hooks = [{
    path: await delayingHooks(),
    parameters: { sleep: { lease4_select: SLEEP_MS } },
  }];
  const run = async (rate: number) => {
    await using lab = await startLab({ hooks, threads: 1, packetQueue: KEA_PACKET_QUEUE });
    const { document } = await watchLoad(lab, {
      profile: "deep",
      bpftrace: await bpftraceOf("2.2"),
      rate,
      exchanges: 3 * rate,
    });
    return { whole: meanOf(processingOf(document)), queue: meanOf(stageOf(document, "queue")) };
  };
  const idle = await run(20);
  // Twice as many packets as it can work on.
  const full = await run(200);
  assert.ok(full.queue > 10 * SLEEP_MS, `${full.queue} ms in the queue`);
  const share = (full.queue - idle.queue) / (full.whole - idle.whole);
  assert.ok(share > 0.9 && share < 1.1, `the queue has ${share.toFixed(2)} of the difference`);
});
