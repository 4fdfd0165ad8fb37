/** What is killed or stopped in the middle of a run leaves nothing behind. Needs root and Kea. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { readCapture } from "../../metrics/capture.ts";
import type { CaptureRecord } from "../../metrics/capture.ts";
import type { MetricsDocument } from "../../metrics/document.ts";
import { documentOf, WindowBuilder } from "../../metrics/windows.ts";
import { proveSites } from "../../discovery/sites/prove.ts";
import { describeServer } from "../../discovery/servers.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import { watch } from "../../probes/monitoring_loop.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { documentIn, type Monitored, startMonitor, total } from "./monitored.ts";
import { until } from "./run_script.ts";

/** Waits until a monitor has attached its probes anew and read them. */
const watchedAgain = (monitored: Monitored) =>
  until(
    async () =>
      (await recordsIn(monitored)).some((record) =>
        record.type === "sample" && record.segment === 1
      ),
    60,
    "it is watched again",
  );

/** Longest time that anything may remain, seconds. */
const REMAIN = 5;

/** The bpftrace that a monitor started. */
async function bpftraceOf({ child }: Monitored): Promise<number> {
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await Deno.readTextFile(`/proc/${name}/stat`).catch(() => "");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (stat.includes("(bpftrace)") && Number(fields[1]) === child.pid) return Number(name);
  }
  throw new Error("The monitor has no bpftrace");
}

async function runs(pid: number): Promise<boolean> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => null);
  return stat !== null && stat.slice(stat.lastIndexOf(")") + 2)[0] !== "Z";
}

async function recordsIn({ folder }: Monitored): Promise<CaptureRecord[]> {
  const file = await Deno.open(join(folder, "capture.ndjson"));
  return await Array.fromAsync(readCapture(file.readable));
}

const samples = (records: readonly CaptureRecord[]) =>
  records.filter(({ type }) => type === "sample").length;

/** How many DHCPDISCOVERs a document has answered. */
const discoversIn = (document: MetricsDocument) =>
  total(document, "packet_processing_time", { message: "DHCPDISCOVER" });

/**
 * Sends a load and waits until the capture has all of it: what comes next may end anything.
 *
 * @param before DHCPDISCOVERs that it has already.
 * @returns how many it has now; on a busy machine perfdhcp sends a few more than it was asked for.
 */
async function captured(
  lab: Lab,
  monitored: Monitored,
  exchanges: number,
  before = 0,
): Promise<number> {
  const report = await runPerfdhcp(lab, { rate: 100, exchanges });
  const expected = before + report["DISCOVER-OFFER"]!.received;
  const found = async () => discoversIn(await documentOf(await recordsIn(monitored)));
  await until(async () => await found() === expected, 30, "the capture has all that was sent");
  return expected;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.test(`monitor stopped by ${signal} detaches, keeps its windows and says all is complete`, async () => {
    await using lab = await startLab();
    const monitored = await startMonitor(lab.pid, ["--duration", "60"]);
    const bpftrace = await bpftraceOf(monitored);
    const sent = await captured(lab, monitored, 101);
    monitored.child.kill(signal);
    const { code, stderr } = await monitored.end();
    assert.equal(code, 0, stderr);
    assert.equal(await runs(bpftrace), false);
    assert.ok(samples(await recordsIn(monitored)) >= 4);
    const document = await documentIn(monitored);
    assert.equal(document.capture.verdict, "COMPLETE");
    assert.equal(discoversIn(document), sent);
    assert.equal(
      (await runPerfdhcp(lab, { rate: 50, exchanges: 11 }))["REQUEST-ACK"]!.received,
      11,
    );
  });
}

Deno.test("monitor killed by SIGKILL leaves no bpftrace and a capture up to the cut", async () => {
  await using lab = await startLab();
  const monitored = await startMonitor(lab.pid, ["--duration", "60"]);
  const bpftrace = await bpftraceOf(monitored);
  const sent = await captured(lab, monitored, 101);
  monitored.child.kill("SIGKILL");
  await monitored.end();
  await until(async () => !await runs(bpftrace), REMAIN, "bpftrace is gone");
  const document = await documentOf(await recordsIn(monitored));
  assert.equal(document.capture.verdict, "PARTIAL");
  assert.match(document.capture.reasons.join(), /cut off/);
  assert.equal(discoversIn(document), sent);
  assert.ok(await runs(lab.pid));
  await Deno.remove(monitored.folder, { recursive: true });
});

Deno.test("bpftrace killed by SIGKILL is attached again once, and the verdict says so", async () => {
  await using lab = await startLab();
  const monitored = await startMonitor(lab.pid, ["--duration", "120"]);
  const sent = await captured(lab, monitored, 101);
  Deno.kill(await bpftraceOf(monitored), "SIGKILL");
  await watchedAgain(monitored);
  const all = await captured(lab, monitored, 53, sent);
  monitored.child.kill("SIGINT");
  const { code, stderr } = await monitored.end();
  assert.equal(code, 0, stderr);
  const document = await documentIn(monitored);
  assert.equal(document.capture.verdict, "PARTIAL");
  assert.match(document.capture.reasons.join(), /bpftrace was ended from outside/);
  assert.equal(discoversIn(document), all);
});

Deno.test("monitor goes on with a restarted Kea, and the verdict says so", async () => {
  await using lab = await startLab();
  const monitored = await startMonitor(lab.pid, ["--duration", "120"]);
  const sent = await captured(lab, monitored, 101);
  Deno.kill(lab.pid, "SIGKILL");
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await lab.restart();
  await watchedAgain(monitored);
  const all = await captured(lab, monitored, 53, sent);
  monitored.child.kill("SIGINT");
  const { code, stderr } = await monitored.end();
  assert.equal(code, 0, stderr);
  const document = await documentIn(monitored);
  assert.match(document.capture.reasons.join(), /The server restarted/);
  assert.equal(discoversIn(document), all);
});

Deno.test("a Kea that ends again while its probes are planned is waited for again", async () => {
  await using lab = await startLab();
  const stop = new AbortController();
  const windows = new WindowBuilder();
  const replace = async () => {
    const { pid } = lab;
    Deno.kill(pid, "SIGKILL");
    await until(async () => !await runs(pid), 5, "the server is gone");
    await lab.restart();
  };
  let plans = 0;
  let acknowledged = 0;
  let work: Promise<unknown> | null = null;
  for await (
    const record of watch({
      server: await describeServer(lab.pid),
      profile: "standard",
      bpftrace: await findBpftrace(),
      intervalMs: 500,
      durationMs: 30_000,
      signal: stop.signal,
      say: () => {},
      findSites: async (server, groups) => {
        if (++plans === 2) {
          await work;
          await replace();
        }
        return await proveSites(server, groups);
      },
    })
  ) {
    windows.next(record);
    if (record.type !== "sample") continue;
    if (plans === 1) work ??= replace();
    else if (plans === 3) {
      plans++;
      runPerfdhcp(lab, { rate: 100, exchanges: 53 }).then((report) => {
        acknowledged = report["REQUEST-ACK"]!.received;
        stop.abort();
      });
    }
  }
  const document = windows.document();
  assert.equal(plans, 4, document.capture.reasons.join());
  assert.match(
    document.capture.reasons.join("\n"),
    /^(The server restarted: pid \d+, then \d+(; )?){2}: \d+\.\d s not watched$/,
  );
  assert.equal(total(document, "packet_processing_time", { message: "DHCPREQUEST" }), acknowledged);
});

Deno.test("monitor of a Kea that is killed for good ends with what it has", async () => {
  await using lab = await startLab();
  const monitored = await startMonitor(lab.pid, ["--duration", "8"]);
  const bpftrace = await bpftraceOf(monitored);
  const sent = await captured(lab, monitored, 101);
  Deno.kill(lab.pid, "SIGKILL");
  await until(async () => !await runs(bpftrace), REMAIN, "bpftrace is gone");
  const { code, stderr } = await monitored.end();
  assert.equal(code, 0, stderr);
  const document = await documentIn(monitored);
  assert.match(document.capture.reasons.join(), /The server \(pid \d+\) ended/);
  assert.equal(discoversIn(document), sent);
});

Deno.test("watch() of a server that dies between plan and attach says so in one line", async () => {
  await using lab = await startLab();
  const records = watch({
    server: await describeServer(lab.pid),
    profile: "standard",
    bpftrace: await findBpftrace(),
    intervalMs: 1000,
    durationMs: 5000,
    signal: new AbortController().signal,
    say: () => {},
  });
  assert.equal((await records.next()).value!.type, "capture");
  Deno.kill(lab.pid, "SIGKILL");
  await assert.rejects(
    Array.fromAsync(records),
    /^DiscoveryError: Cannot watch process \d+: it ended before the probes were attached, start it/,
  );
});
