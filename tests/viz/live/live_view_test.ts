import assert from "node:assert/strict";
import fc from "fast-check";
import { recordsOf } from "../../metrics/fixtures/captures.ts";
import { HEALTHY, madeDocument, withTime } from "../../metrics/findings/made_document.ts";
import type { Series, Window } from "../../../metrics/document.ts";
import { DocumentBuilder } from "../../../metrics/document_builder.ts";
import { widthOf } from "../../../viz/live/text_layout.ts";
import {
  liveStart,
  type LiveState,
  rollingWindow,
  withNote,
  withSlow,
  withWindow,
} from "../../../viz/live/live_state.ts";
import { type LiveScreen, liveView } from "../../../viz/live/live_view.ts";

const FACTS = {
  version: "2.2.0",
  family: 4,
  pid: 314,
  profile: "deep",
  durationSeconds: 60,
} as const;
const SCREEN: LiveScreen = {
  ...{ columns: 80, rows: 24, colour: false, unicode: true },
  ...{ paused: false, help: false },
};

/** The state at the end of a real run. */
async function afterRealRun(): Promise<LiveState> {
  const builder = new DocumentBuilder();
  let state = liveStart(FACTS);
  for (const record of await recordsOf("v4")) {
    const window = builder.next(record);
    if (window === null) continue;
    const { elapsedSeconds } = builder;
    state = withWindow(state, window, { elapsedSeconds, cost: builder.cost() });
  }
  return state;
}
const real = await afterRealRun();

function windowOf(second: number, series: Window["series"] = []): Window {
  const at = (seconds: number) => new Date(1000 * seconds).toISOString();
  return { start: at(second), end: at(second + 1), series };
}

function assertFits(lines: readonly string[], { columns, rows }: LiveScreen): void {
  assert.ok(lines.length <= rows, `${lines.length} lines on ${rows} rows`);
  for (const line of lines) {
    assert.ok(widthOf(line) <= columns, `${widthOf(line)} columns: ${line}`);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(line.replaceAll(/\x1b\[[\d;]*m/g, ""), /[\x00-\x1f\x7f]/);
  }
}

Deno.test("liveView() shows what an operator asks for on 80 columns and 24 rows", () => {
  const text = liveView(real, SCREEN).join("\n");
  const expected = [
    /Kea 2\.2\.0 DHCPv4, pid 314 +profile deep/,
    /DHCPDISCOVER \u2192 DHCPOFFER +[\d.]+ +[\d.]+ [mun]s +[\d.]+ [mun]s +[\d.]+ [mun]s +\S/,
    /^Received +[\d.]+\/s /m,
    /^Losses and errors +/m,
    /^Kea +[\d.]+ % of a core, [\d.]+ MiB$/m,
    /^Overhead +[\d.]+ us per packet, [\d.]+ % of a core, [\d.]+ MiB$/m,
    /^Lease allocation +\/s/m,
    /^Database +\/s/m,
    / left /,
  ];
  for (const each of expected) assert.match(text, each);
});

Deno.test("liveView() fits every screen, with colours and without", () => {
  fc.assert(
    fc.property(
      fc.record({
        columns: fc.integer({ min: 1, max: 260 }),
        rows: fc.integer({ min: 1, max: 80 }),
        colour: fc.boolean(),
        unicode: fc.boolean(),
        paused: fc.boolean(),
        help: fc.boolean(),
      }),
      (screen) => assertFits(liveView(real, screen), screen),
    ),
    { numRuns: 150 },
  );
});

Deno.test("liveView() says how many lines a small screen leaves out", () => {
  const lines = liveView(real, { ...SCREEN, rows: 8 });
  assert.match(lines.at(-1)!, /^\u2026 \d+ more lines$/);
});

Deno.test("liveView() shows no heading without its rows", () => {
  const all = liveView(real, { ...SCREEN, rows: 60 });
  for (let rows = 6; rows < all.length; rows++) {
    const lines = liveView(real, { ...SCREEN, rows });
    assert.ok(lines.at(-2) !== "" && lines.at(-3) !== "", lines.slice(-4).join("\n"));
    assert.equal(Number(/\d+/.exec(lines.at(-1)!)![0]), all.length - lines.length + 1);
  }
});

Deno.test("liveView() uses two columns where there is room", () => {
  const lines = liveView(real, { ...SCREEN, columns: 200, rows: 50 });
  assert.ok(lines.some((line) => /Last 10 s.*Lease allocation/.test(line)));
});

Deno.test("liveView() has no colour without `colour`, and only ASCII without `unicode`", () => {
  const text = liveView(real, { ...SCREEN, unicode: false }).join("\n");
  assert.ok(!text.includes("\x1b"));
  assert.match(text, /[#@]/);
  assert.match(text, /DHCPDISCOVER -> DHCPOFFER/);
  assert.match(text, /^[\x20-\x7e\n]*$/);
  assert.ok(liveView(real, { ...SCREEN, colour: true }).join("").includes("\x1b[1m"));
});

Deno.test("liveView() shows names from outside without their control characters", () => {
  const id = "evil\x1b[2J\r\n\u202ename\u{1F980}";
  const error: Series = {
    metric: "error_rate",
    family: 4,
    labels: { kind: "exception", id },
    unit: "events",
    kind: "counter",
    value: 3,
  };
  let state = withWindow(liveStart(FACTS), windowOf(0, [error]), { elapsedSeconds: 1, cost: null });
  state = withNote(state, id);
  const lines = liveView(state, SCREEN);
  assertFits(lines, SCREEN);
  assert.ok(lines.some((line) => line.includes("exception evil?[2J???name\u{1F980} 3 (+3)")));
});

Deno.test("liveView() waits for the first window, and says when no packet was answered", () => {
  const before = liveView(liveStart(FACTS), SCREEN).join("\n");
  assert.match(before, /waiting for the first window/);
  const state = withWindow(liveStart(FACTS), windowOf(0), { elapsedSeconds: 1, cost: null });
  assert.match(liveView(state, SCREEN).join("\n"), /No packet was answered/);
});

Deno.test("withWindow() remembers only so much of a long run", () => {
  let state = liveStart(FACTS);
  for (let second = 0; second < 5000; second++) {
    state = withWindow(state, windowOf(second), { elapsedSeconds: second, cost: null });
    state = withNote(state, `note ${second}`);
  }
  assert.deepEqual([state.recent.length, state.rates.length, state.notes.length], [10, 120, 20]);
  const steady = rollingWindow(state)!;
  assert.equal(Date.parse(steady.end) - Date.parse(steady.start), 10_000);
});

Deno.test("liveView() leaves out whole columns where numbers would be cut", () => {
  const numbers = /^[\d.,]+$|^[\d.]+ (ns|us|ms|s)$/;
  for (let columns = 30; columns < 80; columns++) {
    const row = liveView(real, { ...SCREEN, columns, rows: 60 })
      .find((line) => line.startsWith("DHCPDIS"))!;
    const cells = row.split(/ {2,}/).slice(1).filter((cell) => /\d/.test(cell));
    assert.ok(cells.length > 0 && cells.every((cell) => numbers.test(cell)), `${columns}: ${row}`);
  }
});

Deno.test("liveView() breaks losses and errors before the right part of a wide screen", () => {
  const errors: Series[] = Array.from({ length: 5 }, (_, index) => ({
    metric: "error_rate",
    family: 4,
    labels: { kind: "exception", id: `isc::dhcp::SomethingRatherLong${index}` },
    unit: "events",
    kind: "counter",
    value: 1,
  }));
  const last = { ...real.newest!, series: [...real.newest!.series, ...errors] };
  const state = withWindow({ ...real, errors: [] }, last, { elapsedSeconds: 7, cost: null });
  const text = liveView(state, { ...SCREEN, columns: 160, rows: 50 }).join("\n");
  for (const { labels } of errors.slice(0, 2)) assert.ok(text.includes(`${labels["id"]} 1 (+1)`));
  assert.match(text, /\d more( |$)/m);
});

Deno.test("liveView() counts slow packets, and shows the last of them", () => {
  const packet = (second: number) => ({
    time: new Date(1000 * second).toISOString(),
    message: "DHCPREQUEST",
    answer: "DHCPACK",
    duration_ns: 20e6 + second,
    transaction: `0000000${second}`,
    client: "00:0c:01:02:03:04\x1b[31m",
    stages: { parse: 1e6, commit: 19e6 },
  });
  const none = { ...real, facts: { ...FACTS, slowNs: 15e6 } };
  const screen = { ...SCREEN, columns: 100, rows: 40 };
  assert.match(
    liveView(none, screen).join("\n"),
    /^Slow packets, over 15\.0 ms {2}none$/m,
  );
  let state: LiveState = none;
  for (const second of [1, 2, 3, 4]) state = withSlow(state, packet(second));
  const leftOut = {
    ...{ metric: "slow_packets_omitted", family: 4 as const, labels: {}, unit: "packets" },
    ...{ kind: "counter" as const, value: 6 },
  };
  state = withWindow(state, windowOf(5, [leftOut]), { elapsedSeconds: 5, cost: null });
  const lines = liveView(state, screen);
  assertFits(lines, screen);
  const text = lines.join("\n");
  assert.match(text, /^Slow packets, over 15\.0 ms {2}10$/m);
  assert.match(text, /^ {2}00:00:04 DHCPREQUEST +20\.0 ms +commit 19\.0 ms +00:0c.* +00000004$/m);
  assert.doesNotMatch(text, /00000001/);
  assert.doesNotMatch(liveView(real, screen).join("\n"), /Slow packets/);
});

Deno.test("liveView() has one line for the worst of what is wrong or slow now", () => {
  const slow = madeDocument(withTime([
    "hook_callout_time",
    { hook_point: "pkt4_receive", library: "a.so", callout: "pkt4_receive" },
    "ns",
    1000,
    5e6,
  ]));
  const options = { elapsedSeconds: 10, cost: null };
  const found = withWindow(liveStart(FACTS), slow.windows[0]!, options);
  assert.match(
    liveView(found, { ...SCREEN, columns: 120 }).join("\n"),
    /^SLOW: The hook library a\.so takes 95 % of the packets' time, most of it at pkt4_receive\.$/m,
  );
  // Later on, it is over.
  const healthy = windowOf(1_800_000_000, madeDocument(HEALTHY).windows[0]!.series);
  assert.deepEqual(withWindow(found, healthy, options).findings, []);
});
