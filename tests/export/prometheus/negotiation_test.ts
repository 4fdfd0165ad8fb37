import assert from "node:assert/strict";
import { type Format, negotiated } from "../../../export/prometheus/negotiation.ts";

const PROTOBUF =
  "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

/** What scrapers send, by their version. */
const HEADERS: readonly (readonly [who: string, accept: string | null, format: Format])[] = [
  [
    "Prometheus 2.42",
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75," +
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "openmetrics",
  ],
  [
    "Prometheus 2.42 with native histograms",
    `${PROTOBUF},application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5`,
    "protobuf",
  ],
  [
    "Prometheus 3 with native histograms",
    `${PROTOBUF};q=0.7,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6`,
    "protobuf",
  ],
  [
    "Prometheus 3",
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.7," +
    "application/openmetrics-text;version=0.0.1;q=0.6,text/plain;version=1.0.0;q=0.5",
    "openmetrics",
  ],
  ["curl", "*/*", "prometheus"],
  ["a browser", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "prometheus"],
  ["one without the header", null, "prometheus"],
  ["one that refuses OpenMetrics", "application/openmetrics-text;q=0,text/plain", "prometheus"],
  ["one of other protobuf", "application/vnd.google.protobuf;proto=other", "prometheus"],
  ["one of nonsense", ";;;,q=x;=,", "prometheus"],
];

for (const [who, accept, format] of HEADERS) {
  Deno.test(`negotiated() gives ${format} to ${who}`, () => {
    assert.equal(negotiated(accept), format);
  });
}
