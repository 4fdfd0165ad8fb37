/** Slow packets are exemplars in a real Prometheus. Needs root, Kea, bpftrace and apt. */

import assert from "node:assert/strict";
import { Accumulator } from "../../export/prometheus/accumulator.ts";
import { SlowExemplars } from "../../export/prometheus/slow_exemplars.ts";
import { textOf } from "../../export/prometheus/text.ts";
import { Fleet } from "../../export/watching/fleet.ts";
import { SlowThresholds } from "../../export/watching/slow_thresholds.ts";
import { routed, routesOf } from "../../export/web/routes.ts";
import { startWeb } from "../../export/web/start_web.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import { run } from "../../system/run.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { ensurePrometheus, Prometheus } from "../../tools/lab/prometheus.ts";
import { until } from "./run_script.ts";

Deno.test("slow packets are exemplars, in OpenMetrics and in protobuf, hashed or plain", async () => {
  await using lab = await startLab();
  for (const redacts of [true, false]) {
    const accumulator = new Accumulator();
    const stop = new AbortController();
    const fleet = new Fleet({
      isChosen: ({ pid }) => pid === lab.pid,
      profile: "standard",
      bpftrace: await findBpftrace(),
      intervalMs: 500,
      accumulator,
      observers: [new SlowExemplars(accumulator)],
      // Every packet takes longer.
      slow: new SlowThresholds({ threshold: 0.001, redacts }),
      signal: stop.signal,
      say: () => {},
    });
    const running = fleet.run();
    try {
      await using web = await startWeb(
        { addresses: ["127.0.0.1:0"], isSocketActivated: false, configFile: null },
        routed(routesOf({
          accumulator,
          path: "/metrics",
          bucketsPerOctave: 2,
          isReady: () => fleet.isReady,
        })),
        () => {},
      );
      await until(() => fleet.isReady, "the server is watched");
      await runPerfdhcp(lab, { rate: 10, exchanges: 5 });
      const { host } = new URL(web.urls[0]!);
      for (const features of ["exemplar-storage", "exemplar-storage,native-histograms"]) {
        await using prometheus = await Prometheus.start(host, [features]);
        let found: Awaited<ReturnType<typeof prometheus.exemplars>> = [];
        await until(async () => {
          found = await prometheus.exemplars(
            '{__name__=~"kea_ebpf_packet_processing_seconds(_bucket)?"}',
          );
          return found.length > 0;
        }, `Prometheus has exemplars with ${features}`);
        for (const { labels, value } of found) {
          assert.deepEqual(Object.keys(labels).sort(), ["client", "packet_stage", "xid"]);
          assert.match(labels["client"]!, redacts ? /^[0-9a-f]{12}$/ : /^([0-9a-f]{2}:){5}/);
          assert.match(labels["xid"]!, redacts ? /^[0-9a-f]{12}$/ : /^[0-9a-f]{8}$/);
          assert.match(labels["packet_stage"]!, /^(before|allocate|after)$/);
          assert.ok(value > 0.000_001 && value < 60, `${value} s`);
        }
      }
      const { promtool } = await ensurePrometheus();
      const text = textOf(accumulator.families(), { format: "prometheus", bucketsPerOctave: 2 });
      assert.doesNotMatch(text, / # /);
      const { code, stdout, stderr } = await run([promtool, "check", "metrics"], { input: text });
      assert.deepEqual([code, stdout.length, stderr.length], [0, 0, 0]);
    } finally {
      stop.abort();
      await running;
    }
  }
});
