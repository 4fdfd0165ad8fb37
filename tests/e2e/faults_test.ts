/** What is killed or stopped in the middle of a run leaves nothing behind. Needs root and Kea. */

import assert from "node:assert/strict";
import { watchWhile } from "../../tools/lab/watch_while.ts";
import type { CaptureRecord } from "../../metrics/capture.ts";
import type { MetricsDocument } from "../../metrics/document.ts";
import { documentOf } from "../../metrics/document_builder.ts";
import { proveSites } from "../../discovery/sites/prove.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import { inThisProcess } from "../../probes/prepare.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { total } from "../../metrics/totals.ts";
import { type Monitored, startMonitor } from "./monitored.ts";
import { childrenOf, runs, until } from "./run_script.ts";
import { assertComplete } from "./watched.ts";

/** Waits until a monitor has attached its probes anew and read them. */
const watchedAgain = (monitored: Monitored) =>
  until(
    async () =>
      (await monitored.records()).some((record) =>
        record.type === "sample" && record.segment === 1
      ),
    "it is watched again",
  );

/** The bpftrace that a monitor started. */
async function bpftraceOf({ child }: Monitored): Promise<number> {
  for (const pid of await childrenOf(child.pid)) {
    const comm = await Deno.readTextFile(`/proc/${pid}/comm`).catch(() => "");
    if (comm === "bpftrace\n") return pid;
  }
  throw new Error("The monitor has no bpftrace");
}

const isGone = (pid: number) => until(async () => !await runs(pid), `process ${pid} is gone`);

const samples = (records: readonly CaptureRecord[]) =>
  records.filter(({ type }) => type === "sample").length;

/** How many DHCPDISCOVERs a document has answered. */
const discoversIn = (document: MetricsDocument) =>
  total(document, "packet_processing_time", { message: "DHCPDISCOVER" });

/**
 * Sends a load and waits until the captures have all of it: what comes next may end anything.
 *
 * @param before DHCPDISCOVERs that they have already.
 * @returns how many they have now; on a busy machine perfdhcp sends a few more than it was asked for.
 */
async function captured(
  lab: Lab,
  monitors: readonly Monitored[],
  exchanges: number,
  before = 0,
): Promise<number> {
  const report = await runPerfdhcp(lab, { rate: 100, exchanges });
  const expected = before + report["DISCOVER-OFFER"]!.received;
  for (const monitored of monitors) {
    const found = async () => discoversIn(await documentOf(await monitored.records()));
    await until(async () => await found() === expected, "the capture has all that was sent");
  }
  return expected;
}

Deno.test("monitors stopped by SIGINT, SIGTERM and SIGHUP detach, keep their windows and say all is complete", async () => {
  await using lab = await startLab();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const monitors = await Promise.all(signals.map(() => startMonitor(lab.pid)));
  await using stack = new AsyncDisposableStack();
  for (const monitored of monitors) stack.use(monitored);
  const sent = await captured(lab, monitors, 101);
  for (const [index, signal] of signals.entries()) {
    const monitored = monitors[index]!;
    const bpftrace = await bpftraceOf(monitored);
    const before = samples(await monitored.records());
    const { document } = await monitored.stop(signal);
    // On a busy machine the monitor does not wait for its end.
    await isGone(bpftrace);
    assert.ok(samples(await monitored.records()) >= before, signal);
    assertComplete(document);
    assert.equal(discoversIn(document), sent, signal);
  }
  const after = await runPerfdhcp(lab, { rate: 50, exchanges: 11 });
  assert.equal(after["REQUEST-ACK"]!.received, after["REQUEST-ACK"]!.sent);
});

Deno.test("monitor killed by SIGKILL leaves no bpftrace and a capture up to the cut", async () => {
  await using lab = await startLab();
  await using monitored = await startMonitor(lab.pid);
  const bpftrace = await bpftraceOf(monitored);
  const sent = await captured(lab, [monitored], 101);
  monitored.child.kill("SIGKILL");
  await monitored.end;
  await isGone(bpftrace);
  const document = await documentOf(await monitored.records());
  assert.equal(document.capture.verdict, "PARTIAL");
  assert.match(document.capture.reasons.join(), /cut off/);
  assert.equal(discoversIn(document), sent);
  assert.ok(await runs(lab.pid));
});

Deno.test("bpftrace killed by SIGKILL is attached again once, and the verdict says so", async () => {
  await using lab = await startLab();
  await using monitored = await startMonitor(lab.pid);
  const sent = await captured(lab, [monitored], 101);
  Deno.kill(await bpftraceOf(monitored), "SIGKILL");
  await watchedAgain(monitored);
  const all = await captured(lab, [monitored], 53, sent);
  const { document } = await monitored.stop();
  assert.equal(document.capture.verdict, "PARTIAL");
  assert.match(document.capture.reasons.join(), /bpftrace was ended from outside/);
  assert.equal(discoversIn(document), all);
});

Deno.test("monitor goes on with a restarted Kea, and ends with what it has where it is killed for good", async () => {
  await using lab = await startLab();
  await using monitored = await startMonitor(lab.pid);
  const sent = await captured(lab, [monitored], 101);
  const kill = async () => {
    const [bpftrace, said] = [await bpftraceOf(monitored), monitored.log().length];
    Deno.kill(lab.pid, "SIGKILL");
    await monitored.says(/ended, waiting for it to come back/, said);
    await isGone(bpftrace);
  };
  await kill();
  await lab.restart();
  await watchedAgain(monitored);
  const all = await captured(lab, [monitored], 53, sent);
  await kill();
  const { document } = await monitored.stop();
  assert.match(
    document.capture.reasons.join("\n"),
    /^The server restarted: .*\nThe server \(pid \d+\) ended/,
  );
  assert.equal(discoversIn(document), all);
});

Deno.test("a Kea that ends again while its probes are planned is waited for again", async () => {
  await using lab = await startLab();
  const replace = async () => {
    const { pid } = lab;
    Deno.kill(pid, "SIGKILL");
    await isGone(pid);
    await lab.restart();
  };
  let plans = 0;
  let replacing: Promise<void> | undefined;
  let isWatchedAgain = false;
  const { document, result: report } = await watchWhile(
    lab,
    {
      profile: "standard",
      bpftrace: await findBpftrace(),
      preparation: inThisProcess({
        findSites: async (server, groups) => {
          if (++plans === 2) {
            await replacing;
            await replace();
          }
          return await proveSites(server, groups);
        },
      }),
      see: ({ type }) => isWatchedAgain ||= type === "sample" && plans === 3,
    },
    async () => {
      replacing = replace();
      await replacing;
      await until(() => isWatchedAgain, "it is watched again");
      return await runPerfdhcp(lab, { rate: 100, exchanges: 53 });
    },
  );
  assert.equal(plans, 3, document.capture.reasons.join());
  assert.match(
    document.capture.reasons.join("\n"),
    /^(The server restarted: pid \d+, then \d+(; )?){2}: \d+\.\d s not watched$/,
  );
  assert.equal(
    total(document, "packet_processing_time", { message: "DHCPREQUEST" }),
    report["REQUEST-ACK"]!.received,
  );
});

Deno.test("watch() of a server that dies between plan and attach says so in one line", async () => {
  await using lab = await startLab();
  const watching = watchWhile(lab, {
    profile: "standard",
    bpftrace: await findBpftrace(),
    restartGraceMs: 500,
    see: ({ type }) => type === "capture" && Deno.kill(lab.pid, "SIGKILL"),
  }, () => Promise.resolve());
  await assert.rejects(
    watching,
    /^DiscoveryError: Cannot watch process \d+: it ended before the probes were attached, start it/,
  );
});
