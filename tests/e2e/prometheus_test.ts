/** A real Prometheus reads what is exposed, in each format. Needs apt. */

import assert from "node:assert/strict";
import { Accumulator } from "../../export/prometheus/accumulator.ts";
import { type Format, FORMATS, negotiated } from "../../export/prometheus/negotiation.ts";
import { protobufOf } from "../../export/prometheus/protobuf.ts";
import { textOf } from "../../export/prometheus/text.ts";
import type { HistogramSeries, MetricsDocument } from "../../metrics/document.ts";
import { documentOf } from "../../metrics/document_builder.ts";
import { run } from "../../system/run.ts";
import { ensurePrometheus, Prometheus } from "../../tools/lab/prometheus.ts";
import { histogramsOf, total } from "../../metrics/totals.ts";
import { recordsOf } from "../metrics/fixtures/captures.ts";
import { until } from "./run_script.ts";

const document = await documentOf(await recordsOf("v4"));
const accumulator = new Accumulator();
accumulator.add("dhcp4", { series: document.totals });
const families = accumulator.families();

function exposition(format: Format): BodyInit {
  return format === "protobuf"
    ? protobufOf(families, { bucketsPerOctave: 2, started: new Date() })
    : textOf(families, { format, bucketsPerOctave: 2 });
}

/** A target that gives each scraper what it asks for, and remembers what that was. */
function serve(): { server: Deno.HttpServer<Deno.NetAddr>; formats: Set<Format> } {
  const formats = new Set<Format>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const format = negotiated(request.headers.get("accept"));
    formats.add(format);
    return new Response(exposition(format), { headers: { "content-type": FORMATS[format] } });
  });
  return { server, formats };
}

const times = (document: MetricsDocument): HistogramSeries[] =>
  histogramsOf(document, "packet_processing_time");

Deno.test("promtool has nothing to say of what is exposed", async () => {
  const { promtool } = await ensurePrometheus();
  const text = textOf(families, { format: "prometheus", bucketsPerOctave: 2 });
  const { code, stdout, stderr } = await run([promtool, "check", "metrics"], { input: text });
  assert.deepEqual([code, new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr)], [
    0,
    "",
  ]);
});

const NAME = "kea_ebpf_packet_processing_seconds";

for (
  const [format, features, count, buckets, error] of [
    ["openmetrics", [], `${NAME}_count`, `${NAME}_bucket`, 0.34],
    ["protobuf", ["native-histograms"], `histogram_count(${NAME})`, NAME, 0.11],
  ] as const
) {
  Deno.test(`Prometheus reads ${format}: counts are exact, quantiles within their error`, async () => {
    const { server, formats } = serve();
    try {
      await using prometheus = await Prometheus.start(`127.0.0.1:${server.addr.port}`, features);
      await until(
        async () => (await prometheus.query("up == 1")).length === 1,
        "Prometheus has scraped",
      );
      assert.deepEqual([...formats], [format]);
      const counts = await prometheus.query(count);
      for (const series of times(document)) {
        const found = counts.find(({ labels }) => labels["message"] === series.labels["message"]);
        assert.equal(found?.value, series.count);
        for (const q of [0.5, 0.99]) {
          const said = await prometheus.query(
            `histogram_quantile(${q}, ${buckets}{message="${series.labels["message"]}"})`,
          );
          const ours = series.quantiles.find((each) => each.q === q)!;
          const seconds = said[0]!.value * 1e9;
          assert.ok(
            seconds >= ours.lower * (1 - error) && seconds <= ours.upper * (1 + error),
            `p${100 * q}: ${seconds} ns, ours is ${ours.lower} to ${ours.upper}`,
          );
        }
      }
      const [received] = await prometheus.query("sum(kea_ebpf_packets_received_total)");
      const packets = total(document, "network_traffic", { direction: "received" }, "packets");
      assert.equal(received!.value, packets);
    } finally {
      await server.shutdown();
    }
  });
}
