import assert from "node:assert/strict";
import { exposed } from "../../export/prometheus/exposed.ts";
import { documentOf } from "../../metrics/document_builder.ts";
import { recordsOf } from "../metrics/fixtures/captures.ts";

const TEXT = { format: "prometheus", bucketsPerOctave: 2 } as const;

Deno.test("exposed() names the server by its kind, or by the name that is given", async () => {
  const document = await documentOf(await recordsOf("v6"));
  assert.match(exposed(document, TEXT), /^kea_ebpf_packets_sent_total\{server="dhcp6",/m);
  assert.match(exposed(document, { ...TEXT, name: "kea-1" }), /\{server="kea-1",/);
});

Deno.test("exposed() refuses what has no server or no metric of ours, in one line", async () => {
  const document = await documentOf(await recordsOf("v6"));
  assert.throws(() => exposed({ ...document, server: {} }, TEXT), {
    name: "InputError",
    message: "Cannot name the server, the document does not: give --name",
  });
  assert.throws(() => exposed({ ...document, totals: [] }, TEXT), {
    name: "InputError",
    message: /^Cannot find a metric for Prometheus: [^\n]+$/,
  });
});
