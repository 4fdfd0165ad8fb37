/** The exporter's counts in a real Prometheus are perfdhcp's. Needs root, Kea, bpftrace and apt. */

import assert from "node:assert/strict";
import { Accumulator } from "../../export/prometheus/accumulator.ts";
import { Fleet } from "../../export/watching/fleet.ts";
import { routed, routesOf } from "../../export/web/routes.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { Prometheus } from "../../tools/lab/prometheus.ts";
import { runs, until } from "./run_script.ts";

/** Sends exchanges; returns how many packets that were. */
async function send(lab: Lab, exchanges: number): Promise<number> {
  const report = await runPerfdhcp(lab, { rate: 50, exchanges });
  return Object.values(report).reduce((sum, { sent }) => sum + sent, 0);
}

for (const features of [[], ["native-histograms"]]) {
  const how = features.length === 0 ? "OpenMetrics" : "native histograms";
  Deno.test(`Prometheus has each packet once, through a restart and a second server, ${how}`, async () => {
    await using lab = await startLab();
    const chosen = new Set([lab.pid]);
    const accumulator = new Accumulator();
    const stop = new AbortController();
    const said: string[] = [];
    const fleet = new Fleet({
      isChosen: ({ pid }) => chosen.has(pid),
      most: 2,
      profile: "light",
      bpftrace: await findBpftrace(),
      intervalMs: 500,
      accumulator,
      signal: stop.signal,
      say: (line) => said.push(line),
    });
    const running = fleet.run();
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      routed(routesOf({
        accumulator,
        path: "/metrics",
        bucketsPerOctave: 2,
        isReady: () => fleet.isReady,
      })),
    );
    try {
      const isReady = async () => {
        const { status, body } = await fetch(`http://127.0.0.1:${server.addr.port}/-/ready`);
        await body?.cancel();
        return status === 200;
      };
      await using prometheus = await Prometheus.start(`127.0.0.1:${server.addr.port}`, features);
      const isCounted = (expression: string, count: number) =>
        until(
          async () => (await prometheus.query(expression))[0]?.value === count,
          `${expression} is ${count}`,
        );
      await until(isReady, "the first server is watched");
      let packets = await send(lab, 101);
      const received = (kind: string) => `kea_ebpf_packets_received_total{server="${kind}"}`;
      await isCounted(received("dhcp4"), packets);

      const old = lab.pid;
      Deno.kill(old, "SIGTERM");
      await until(async () => !await runs(old), "Kea ended");
      await isCounted('kea_ebpf_server_up{server="dhcp4"}', 0);
      chosen.add(await lab.restart());
      await until(isReady, "the restarted server is watched");
      packets += await send(lab, 53);
      await isCounted(received("dhcp4"), packets);
      await isCounted('kea_ebpf_server_restarts_total{server="dhcp4"}', 1);

      // The next one is there before the monitor has left the old one.
      Deno.kill(lab.pid, "SIGKILL");
      chosen.add(await lab.restart());
      await isCounted('kea_ebpf_server_restarts_total{server="dhcp4"}', 2);
      await until(isReady, "the server that came at once is watched");
      packets += await send(lab, 31);
      await isCounted(received("dhcp4"), packets);
      await isCounted(`resets(${received("dhcp4")}[10m])`, 0);

      await using second = await startLab({ family: 6 });
      chosen.add(second.pid);
      await until(() => fleet.size === 2 && fleet.isReady, "the second server is watched");
      const solicits = await send(second, 59);
      await isCounted(received("dhcp6"), solicits);
      await isCounted(received("dhcp4"), packets);
      const answered = features.length === 0
        ? "sum(kea_ebpf_packet_processing_seconds_count)"
        : "histogram_count(sum(kea_ebpf_packet_processing_seconds))";
      await isCounted(answered, packets + solicits);
      assert.ok(await runs(lab.pid));

      await using third = await startLab({ threads: 0 });
      chosen.add(third.pid);
      await until(
        () =>
          said.some((line) => /^Not watched: process .* At most 2 servers are watched/.test(line)),
        "it is full",
      );
      assert.equal(fleet.size, 2);
    } finally {
      stop.abort();
      await running;
      await server.shutdown();
    }
  });
}
