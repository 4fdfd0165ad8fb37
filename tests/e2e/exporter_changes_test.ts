/** The exporter follows servers that are upgraded, reconfigured or stopped. Needs root, Kea and bpftrace. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describeServer, openSockets, runningKeas } from "../../discovery/servers.ts";
import { Accumulator, isHistogram } from "../../export/prometheus/accumulator.ts";
import { Fleet } from "../../export/watching/fleet.ts";
import type { CaptureRecord } from "../../metrics/capture.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import { delayingHooks } from "../../tools/lab/delaying_hooks.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { seriesOf } from "../export/exposed.ts";
import { linkTarget } from "../../system/libc.ts";
import { reconfigure } from "./reconfigure.ts";
import { runs, until } from "./run_script.ts";

/** Sends exchanges; returns how many packets that were. */
async function send(lab: Lab, exchanges: number): Promise<number> {
  const report = await runPerfdhcp(lab, { rate: 50, exchanges });
  return Object.values(report).reduce((sum, { sent }) => sum + sent, 0);
}

/** A program with another version, as long as the one before. */
function withVersion(program: Uint8Array, before: string, after: string): Uint8Array {
  const constant = (version: string) => `\0${version}\0`;
  const text = Array.from(program, (byte) => String.fromCharCode(byte)).join("");
  assert.ok(text.includes(constant(before)));
  const changed = text.replaceAll(constant(before), constant(after));
  return Uint8Array.from(changed, (character) => character.charCodeAt(0));
}

Deno.test("the exporter follows an upgrade in place, a new hook library, and the end of one of two servers", async () => {
  const folder = await Deno.makeTempDir({ prefix: "kea-upgrade-" });
  const program = join(folder, "kea-dhcp4");
  await Deno.copyFile("/usr/sbin/kea-dhcp4", program);
  const stop = new AbortController();
  let running: Promise<void> | undefined;
  try {
    await using lab = await startLab({ program });
    await using second = await startLab({ family: 6 });
    const chosen = new Set([lab.pid, second.pid]);
    const accumulator = new Accumulator();
    let segments = 0;
    const fleet = new Fleet({
      isChosen: ({ pid }) => chosen.has(pid),
      profile: "deep",
      bpftrace: await findBpftrace(),
      intervalMs: 500,
      accumulator,
      signal: stop.signal,
      say: () => {},
      observers: [{
        next: (_server, { type }) => {
          if (type === "segment") segments++;
        },
        gone: () => {},
      }],
    });
    running = fleet.run();
    const labelled = (name: string, labels: Record<string, string>) =>
      seriesOf(accumulator, name).filter((series) =>
        Object.entries(labels).every(([key, value]) => series.labels[key] === value)
      );
    const value = (name: string, labels: Record<string, string>) =>
      labelled(name, labels).reduce(
        (sum, { value }) => sum + Number(isHistogram(value) ? value.count : value),
        0,
      );
    const is = (name: string, labels: Record<string, string>, expected: number) =>
      until(() => value(name, labels) === expected, `${name} is ${expected}`);
    const isReady = (size: number) =>
      until(() => fleet.size === size && fleet.isReady, `${size} servers are watched`);
    const dhcp4 = { server: "dhcp4" };

    await isReady(2);
    let packets = await send(lab, 53);
    await is("packets_received_total", dhcp4, packets);

    // Upgraded on disk: the old one still runs.
    const { version } = await describeServer(lab.pid);
    const newer = `${version.slice(0, -1)}${(Number(version.at(-1)) + 1) % 10}`;
    const upgraded = withVersion(await Deno.readFile(program), version, newer);
    await Deno.writeFile(`${program}.new`, upgraded, { mode: 0o755 });
    await Deno.rename(`${program}.new`, program);
    packets += await send(lab, 13);
    await is("packets_received_total", dhcp4, packets);
    const versions = () => labelled("server_info", dhcp4).map(({ labels }) => labels["version"]);
    assert.deepEqual(versions(), [version]);

    const old = lab.pid;
    Deno.kill(old, "SIGTERM");
    await until(() => !runs(old), "the old one has ended");
    chosen.add(await lab.restart());
    await is("server_restarts_total", dhcp4, 1);
    await isReady(2);
    assert.deepEqual(versions(), [newer]);
    packets += await send(lab, 31);
    await is("packets_received_total", dhcp4, packets);

    const library = await delayingHooks();
    await reconfigure(lab, (dhcp) => {
      dhcp["hooks-libraries"] = [{ library, parameters: { point: "none" } }];
    });
    await until(() => segments === 1, "the new hook library is seen");
    await isReady(2);
    const hooked = await send(lab, 17);
    await is("hook_callout_seconds", { ...dhcp4, hook_point: "pkt4_send" }, hooked);
    packets += hooked;

    Deno.kill(second.pid, "SIGTERM");
    await is("server_up", { server: "dhcp6" }, 0);
    await isReady(1);
    packets += await send(lab, 7);
    await is("packets_received_total", dhcp4, packets);
    assert.equal(value("server_restarts_total", dhcp4), 1);
  } finally {
    stop.abort();
    await running;
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the exporter waits until a server that was just started has its sockets", async () => {
  await using lab = await startLab();
  const pid = await stoppedBeforeSockets(lab);
  const records: CaptureRecord[] = [];
  const stop = new AbortController();
  const fleet = new Fleet({
    isChosen: (kea) => kea.pid === pid,
    profile: "light",
    bpftrace: await findBpftrace(),
    intervalMs: 500,
    accumulator: new Accumulator(),
    signal: stop.signal,
    say: () => {},
    observers: [{ next: (_server, record) => records.push(record), gone: () => {} }],
  });
  const running = fleet.run();
  try {
    await until(() => fleet.size === 1, "it is found");
    // Long enough for a plan.
    await pause(4000);
    assert.equal(records.length, 0);
    Deno.kill(pid, "SIGCONT");
    await until(() => fleet.isReady, "it is watched");
    const [header] = records;
    assert.ok(header?.type === "capture");
    const missing = header.plan.not_available.map(({ metric }) => metric);
    assert.ok(!missing.includes("packet_processing_time"), missing.join());
  } finally {
    Deno.kill(pid, "SIGCONT");
    stop.abort();
    await running;
  }
});

/** Starts a lab's server again and stops it before it serves; returns its process id. */
async function stoppedBeforeSockets(lab: Lab): Promise<number> {
  const namespaceOf = (pid: number) => linkTarget(`/proc/${pid}/ns/net`);
  const namespace = namespaceOf(lab.pid);
  while (true) {
    const before = lab.pid;
    Deno.kill(before, "SIGTERM");
    await until(() => !runs(before), "the old one has ended");
    const restarted = lab.restart();
    restarted.catch(() => {});
    const find = () => runningKeas().find(({ pid }) => namespaceOf(pid) === namespace)?.pid;
    let pid = find();
    for (; pid === undefined; pid = find()) await pause(1);
    Deno.kill(pid, "SIGSTOP");
    if ((await openSockets(pid, 4)).length === 0) return pid;
    // It was faster.
    Deno.kill(pid, "SIGCONT");
    await restarted;
  }
}
