import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import type { MetricsDocument } from "../../metrics/document.ts";
import { documentOf, METRICS } from "../../metrics/document_builder.ts";
import { duration, size } from "../../viz/format.ts";
import { summary } from "../../viz/summary.ts";
import { recordsOf } from "../metrics/fixtures/captures.ts";

/** See tests/metrics/document_test.ts for what was sent in this run. */
const real = await documentOf(await recordsOf("v4"));
const plain = (document: MetricsDocument) => summary(document, { colour: false });

/** The lines of one section. */
function section(text: string, title: string): string[] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith(title)) + 1;
  assert.ok(start > 0, `a section "${title}"`);
  return lines.slice(start, lines.indexOf("", start));
}

Deno.test("summary() names server, period and verdict, and all seven metrics", () => {
  const text = plain(real);
  assert.match(text, /^Kea 2\.2\.0 DHCPv4 on \S+, pid \d+\n/);
  assert.match(text, /\n2026-\d\d-\d\d \d\d:\d\d:\d\d UTC, \d+\.0 s, profile deep, COMPLETE\n/);
  assert.ok(text.endsWith("\nVerdict: COMPLETE\n"));
  for (const metric of METRICS) assert.ok(text.includes(`(${metric})`), metric);
});

Deno.test("summary() is at most 80 columns wide", () => {
  const long = "a reason that goes on ".repeat(20);
  const text = plain({ ...real, capture: { ...real.capture, reasons: [long] } });
  for (const line of text.split("\n")) assert.ok(line.length <= 80, line);
});

Deno.test("summary() shows messages in the order of an exchange, and stages in that of time", () => {
  const text = plain(real);
  const names = (title: string) =>
    section(text, title).map((line) => line.trim().split(/ {2,}/)[0]);
  assert.deepEqual(names("Packet processing time").slice(1), [
    "DHCPDISCOVER -> DHCPOFFER",
    "DHCPREQUEST -> DHCPACK",
  ]);
  assert.deepEqual(names("Stages").slice(1, 4), [
    "DHCPDISCOVER queue",
    "DHCPDISCOVER parse",
    "DHCPDISCOVER select",
  ]);
});

Deno.test("summary() shows counts and losses of a real run", () => {
  const text = plain(real);
  assert.match(section(text, "Packet processing time")[1]!, /DHCPOFFER +206 +17\.\d +\d+ us /);
  assert.match(section(text, "Network")[0]!, /^ {2}received raw +410 packets /);
  assert.deepEqual(section(text, "Losses and errors"), [
    "  5  not_dhcp raw",
    "  5  exception isc::Unexpected",
    "  5  statistic pkt4-parse-failed",
    "  7  statistic pkt4-receive-drop",
    "  2  unanswered unknown",
  ]);
});

Deno.test("summary() says none, and what was watched, when nothing was lost", () => {
  const totals = real.totals.filter((series) =>
    series.metric !== "error_rate" || (series.kind === "counter" && series.value === 0)
  );
  assert.deepEqual(section(plain({ ...real, totals }), "Losses and errors"), [
    "  none (kernel_drop, unanswered, late watched)",
  ]);
});

Deno.test("summary() shows reasons and what is not available at the end", () => {
  const { ledger: _ledger, ...rest } = real;
  const text = plain({
    ...rest,
    totals: [],
    capture: {
      ...real.capture,
      verdict: "PARTIAL",
      reasons: ["The server restarted"],
      not_available: [{ metric: "cpu_usage", why: "/proc is hidden" }],
      cost: null,
    },
  });
  assert.equal(
    text.split("\n").slice(3).join("\n"),
    "Not available\n  cpu_usage: /proc is hidden\n\nVerdict: PARTIAL\n  The server restarted\n",
  );
});

Deno.test("summary() does not show an overhead that was not measured as zero", () => {
  const cost = { ...real.capture.cost!, hits: 0, bpf_seconds: 0 };
  const text = plain({ ...real, capture: { ...real.capture, cost } });
  assert.match(section(text, "Monitoring overhead")[0]!, /not known/);
});

Deno.test("summary() says that the overhead includes that of other processes", () => {
  const cost = {
    ...{ bpf_seconds: 1.02, hits: 26_744_120, monitor_cpu_ratio: 0.015 },
    ...{ bpf_us_per_packet: 1956, hits_per_packet: 51431, server_cpu_us_per_packet: 145 },
    monitor_memory_bytes: 328 * 2 ** 20,
  };
  const overheadOf = (change: Partial<typeof cost> | { readonly bpf_us_per_packet: null }) => {
    const capture = { ...real.capture, duration_seconds: 6, cost: { ...cost, ...change } };
    return section(plain({ ...real, capture }), "Monitoring overhead");
  };
  assert.deepEqual(overheadOf({}), [
    "  BPF programs: 17.0 % of one core, all processes of the host together; 1956 us",
    "    and 51431 runs per packet, including those for the host's other processes",
    "  Kea itself: 145 us of CPU per packet",
    "  Monitor: 1.5 % of one core, 328 MiB",
  ]);
  assert.deepEqual(overheadOf({ bpf_us_per_packet: null }).slice(0, 2), [
    "  BPF programs: 17.0 % of one core, all processes of the host together; 26744120",
    "    runs, no packet came",
  ]);
});

Deno.test("summary() says that rates are means of the whole run", () => {
  const text = plain(real);
  assert.match(section(text, "Packet processing time")[0]!, /^ +count {2}avg\/s +p50 /);
  assert.match(section(text, "Network")[0]!, / 410 packets {2}avg 34\.2\/s /);
  assert.doesNotMatch(text, /per s/);
});

Deno.test("summary() says the same with colour", () => {
  const coloured = summary(real, { colour: true });
  assert.notEqual(coloured, plain(real));
  assert.equal(stripVTControlCharacters(coloured), plain(real));
});

Deno.test("summary() lets no control character and no change of direction out of a document", () => {
  const hostile = "\u001b[31mred\u001b]0;title\u0007\r\u202e\u2028\u009b1m";
  const text = plain({
    ...real,
    server: { ...real.server, version: hostile, host: hostile },
    capture: { ...real.capture, reasons: [hostile] },
    totals: [{
      metric: "error_rate",
      family: 4,
      labels: { kind: "log", severity: "WARN", id: hostile },
      unit: "events",
      kind: "counter",
      value: 1,
    }],
  });
  assert.doesNotMatch(text.replaceAll("\n", ""), /[\p{Cc}\p{Bidi_Control}\p{Zl}]/u);
});

Deno.test.each([
  [0, "0 s"],
  [999, "999 ns"],
  [1000, "1.00 us"],
  [9_996, "10.0 us"],
  [999_600, "1.00 ms"],
  [1.5e9, "1.50 s"],
  [3.6e12, "3600 s"],
])("duration() writes %s ns as %s", (nanoseconds, text) => {
  assert.equal(duration(nanoseconds), text);
});

Deno.test("size() uses binary prefixes", () => {
  assert.deepEqual([0, 1023, 1024, 20.9 * 2 ** 20, 3 * 2 ** 30].map(size), [
    "0 B",
    "1023 B",
    "1.00 KiB",
    "20.9 MiB",
    "3.00 GiB",
  ]);
});
