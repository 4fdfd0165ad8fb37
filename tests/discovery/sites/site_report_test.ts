import assert from "node:assert/strict";
import { siteReport, siteReportText } from "../../../discovery/sites/site_report.ts";
import { EXECUTABLE, server, site } from "../../probes/server_and_sites.ts";

const ALLOCATE = "_ZN3isc4dhcp11AllocEngine14allocateLease4ERNS1_14ClientContext4E";
const start = site("allocation.start.0", { hitsPerPacket: 1 });
const search = {
  sites: [
    { ...start, proof: { ...start.proof, target: ALLOCATE } },
    site("exceptions.throw", { class: "single-stepped", entrySymbol: "__cxa_throw" }),
  ],
  refusals: [{ id: "log.warn", why: "the server maps no libkea-log.so" }],
};
const report = siteReport(server(), search, new Map([[ALLOCATE, "allocateLease4(X&)"]]), [
  "context_create",
]);

Deno.test("siteReport() groups sites by metric and function, with the cost of a hit", () => {
  assert.deepEqual(
    report.functions.map(({ metric, symbol, function: words, sites }) => [
      metric,
      symbol,
      words,
      sites.map(({ address, price_us }) => [address, price_us]),
    ]),
    [
      ["lease_allocation_time", ALLOCATE, "allocateLease4(X&)", [["0x7927d", 3]]],
      ["error_rate", "__cxa_throw", "__cxa_throw", [["0x7927d", 16]]],
    ],
  );
});

Deno.test("siteReportText() shows the program, what is not available, and the hook points", () => {
  const text = siteReportText(report);
  assert.match(text, new RegExp(`^${EXECUTABLE.path}, DHCPv4, pid 4242\n`));
  assert.match(text, /allocation\.start\.0 .* 0x7927d {2}call +emulated +3 us/);
  assert.match(text, /log\.warn the server maps no libkea-log\.so/);
  assert.match(text, /Hook points\n +0 {2}context_create/);
});
