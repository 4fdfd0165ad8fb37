/** A real VictoriaMetrics has perfdhcp's counts by OTLP. Needs root, Kea, bpftrace and apt. */

import assert from "node:assert/strict";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { type StoredSeries, VictoriaMetrics } from "../../tools/lab/victoria_metrics.ts";
import { follow, type Followed, startScript, until } from "./run_script.ts";

/** What a counter has counted through resets: a lower value begins at 0. */
function counted({ samples }: StoredSeries): number {
  return samples.reduce((sum, { value }, at) => {
    const before = at === 0 ? 0 : samples[at - 1]!.value;
    return sum + (value < before ? value : value - before);
  }, 0);
}

/** The newest time of series, and their sum then. */
function newest(series: readonly StoredSeries[]): { readonly time: number; readonly sum: number } {
  const samples = series.flatMap(({ samples }) => samples);
  const time = Math.max(...samples.map(({ time }) => time));
  const last = samples.filter((sample) => sample.time === time);
  return { time, sum: last.reduce((sum, { value }) => sum + value, 0) };
}

/** Starts the exporter for a lab's server. */
function startExporter(lab: Lab, state: string, ...args: readonly string[]): Followed {
  return follow(startScript("export/exporter.ts", [
    ...["--server", String(lab.pid), "--profile", "light", "--reading", "0.5"],
    ...["--web.listen-address", "127.0.0.1:0", "--otlp-interval", "0.5", ...args],
  ], { env: { XDG_STATE_HOME: state } }));
}

for (
  const [histograms, how] of [
    ["exponential", "that was down while the exporter restarted"],
    ["explicit", "that was always there"],
  ] as const
) {
  Deno.test(`A VictoriaMetrics ${how} has each packet once, ${histograms}`, async () => {
    await using lab = await startLab();
    await using victoria = await VictoriaMetrics.start();
    const state = await Deno.makeTempDir({ prefix: "kea-otlp-test-" });
    const args = ["--otlp", victoria.endpoint, "--otlp-histograms", histograms];
    let exporter = startExporter(lab, state, ...args);

    const received = async () => {
      const found = await victoria.series('kea_ebpf_packets_received_total{server="dhcp4"}');
      return found.reduce((sum, series) => sum + counted(series), 0);
    };
    /** Whether the server was watched at last, by an exporter that started then. */
    const isWatched = async (started: number) => {
      const [series] = await victoria.series('kea_ebpf_watch_complete{server="dhcp4"}');
      const last = series?.samples.at(-1);
      return last?.value === 1 && last.time > started;
    };
    const sent: Record<string, number> = {};
    const send = async (exchanges: number) => {
      const report = await runPerfdhcp(lab, { rate: 50, exchanges });
      for (const [exchange, { sent: count }] of Object.entries(report)) {
        sent[exchange] = (sent[exchange] ?? 0) + count;
      }
    };
    const packets = () => Object.values(sent).reduce((sum, count) => sum + count, 0);
    const arrives = () =>
      until(
        async () => await received() >= packets(),
        `${packets()} packets have arrived`,
      );
    try {
      await until(() => isWatched(0), "the server is watched");
      await send(101);
      await arrives();

      if (histograms === "exponential") {
        // Values wait while it is down, and those of the first exporter through its end.
        await victoria.kill();
        await exporter.says(/Cannot send OTLP: .*; retrying/);
        await send(53);
        exporter.child.kill("SIGTERM");
        const { code, stderr } = await exporter.end;
        assert.equal(code, 0);
        assert.match(stderr, /\d+ OTLP requests are waiting, the next start sends them/);
        const restarted = Date.now();
        exporter = startExporter(lab, state, ...args);
        await exporter.says(/\d+ OTLP requests of an earlier run are waiting/);
        await victoria.startAgain();
        await arrives();
        await until(() => isWatched(restarted), "the server is watched again");
        await send(31);
        await arrives();
      }

      assert.equal(await received(), packets());
      for (const [exchange, count] of Object.entries(sent)) {
        const message = `DHCP${exchange.split("-")[0]}`;
        const name = "kea_ebpf_packet_processing_seconds";
        const labels = `{server="dhcp4",message="${message}"}`;
        const counts = await victoria.series(`${name}_count${labels}`);
        assert.equal(counts.reduce((sum, series) => sum + counted(series), 0), count, message);
        const buckets = await victoria.series(`${name}_bucket${labels}`);
        if (histograms === "exponential") {
          assert.deepEqual(newest(buckets), newest(counts), message);
        } else {
          const bounds = new Set(buckets.map(({ labels }) => labels["le"]));
          assert.equal(bounds.size, 194);
          const infinite = buckets.filter(({ labels }) => labels["le"] === "+Inf");
          assert.deepEqual(newest(infinite), newest(counts), message);
          // Bounds of ours come back digit for digit.
          assert.ok(bounds.has("0.000098304") && bounds.has("0.000106496"));
        }
      }
      const [series] = await victoria.series('kea_ebpf_packets_received_total{server="dhcp4"}');
      const { service_name, service_instance_id } = series!.labels;
      assert.deepEqual([service_name, service_instance_id], [
        "kea-dhcp4",
        `${Deno.hostname()}/dhcp4`,
      ]);
    } finally {
      exporter.child.kill("SIGTERM");
      await exporter.end;
      await Deno.remove(state, { recursive: true });
    }
  });
}
