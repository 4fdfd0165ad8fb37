/** Processes that call themselves Kea keep no real one out. Needs root, Kea, bpftrace and g++. */

import assert from "node:assert/strict";
import { Accumulator } from "../../export/prometheus/accumulator.ts";
import { Fleet } from "../../export/watching/fleet.ts";
import { ownCost } from "../../export/watching/own_cost.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { valueOf } from "../export/exposed.ts";
import { HostileProcesses } from "./hostile_processes.ts";
import { until } from "./run_script.ts";

const [FALSE, EXCHANGES] = [40, 101];

Deno.test("40 false servers, and a real one that comes last: it has its own name, and each packet counts", async () => {
  await using hostile = await HostileProcesses.build();
  const chosen = new Set<number>();
  while (chosen.size < FALSE) chosen.add(await hostile.start([]));
  const accumulator = new Accumulator();
  const stop = new AbortController();
  const warnings: string[] = [];
  const fleet = new Fleet({
    isChosen: ({ pid }) => chosen.has(pid),
    profile: "light",
    bpftrace: await findBpftrace(),
    intervalMs: 500,
    // They never open a socket.
    startedSeconds: 0,
    accumulator,
    signal: stop.signal,
    say: (line, level) => level === "warning" && warnings.push(line),
  });
  const value = (name: string, server?: string) => valueOf(accumulator, name, server);
  const running = fleet.run();
  try {
    await until(() => value("server_up", "dhcp4") === 1, "a false one has the name");
    await using lab = await startLab();
    chosen.add(lab.pid);
    await until(
      () =>
        value("packets_received_total", "dhcp4") === 0n && value("watch_complete", "dhcp4") === 1,
      "the real one has the name and is watched",
    );
    assert.equal(value("servers_not_watched"), BigInt(FALSE - 4));
    assert.deepEqual(
      warnings.filter((line) =>
        /^Not watched: process .* At most 32 servers are watched, 4 of them /.test(line)
      )
        .length,
      1,
    );
    const report = await runPerfdhcp(lab, { rate: 100, exchanges: EXCHANGES });
    const sent = Object.values(report).reduce((sum, each) => sum + each.sent, 0);
    await until(
      () => value("packets_received_total", "dhcp4") === BigInt(sent),
      `${sent} packets are counted`,
    );
    assert.equal(value("watch_complete", "dhcp4"), 1);
    assert.ok(fleet.size <= 5, `${fleet.size} are watched`);
    const { bpftraceBytes } = ownCost();
    assert.ok(bpftraceBytes < 5 * 2 ** 26, `${bpftraceBytes / 2 ** 20} MiB`);
  } finally {
    stop.abort();
    await running;
  }
});
