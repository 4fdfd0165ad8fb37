/** What came before the first scrape is not missed, where Prometheus uses start times. Needs root and apt. */

import assert from "node:assert/strict";
import { Accumulator } from "../../export/prometheus/accumulator.ts";
import { routed, routesOf } from "../../export/web/routes.ts";
import { startWeb } from "../../export/web/start_web.ts";
import { documentOf } from "../../metrics/document_builder.ts";
import { Prometheus } from "../../tools/lab/prometheus.ts";
import { seriesOf } from "../export/exposed.ts";
import { recordsOf } from "../metrics/fixtures/captures.ts";
import { until } from "./run_script.ts";

const RECEIVED = 'kea_ebpf_packets_received_total{socket="raw"}';

Deno.test("a counter begins at 0 for a Prometheus that uses start times", async () => {
  const accumulator = new Accumulator();
  accumulator.add("dhcp4", { series: (await documentOf(await recordsOf("v4"))).totals });
  await using web = await startWeb(
    { addresses: ["127.0.0.1:0"], isSocketActivated: false, configFile: null },
    routed(
      routesOf({ accumulator, path: "/metrics", bucketsPerOctave: 2, isReady: () => true }),
    ),
    () => {},
  );
  await using prometheus = await Prometheus.start(
    new URL(web.urls[0]!).host,
    ["native-histograms", "created-timestamp-zero-ingestion"],
    { release: "sid" },
  );
  let values: readonly number[] = [];
  await until(async () => {
    values = (await prometheus.samples(`${RECEIVED}[10m]`))[0]?.values ?? [];
    return values.length >= 2;
  }, "Prometheus has scraped");
  const [first, second] = values;
  assert.equal(first, 0);
  const [received] = seriesOf(accumulator, "packets_received_total");
  assert.equal(BigInt(second!), received!.value);
});
