import assert from "node:assert/strict";
import type { Window } from "../../../metrics/document.ts";
import { parseDocument } from "../../../metrics/document.ts";
import { documentOf } from "../../../metrics/document_builder.ts";
import { History } from "../../../export/history/history.ts";
import { documentText, lastMinutes } from "../../../export/history/history_document.ts";
import { ServerHistory } from "../../../export/history/server_history.ts";
import { StoredWindows } from "../../../export/history/stored_windows.ts";
import { trafficOf } from "../../../viz/series.ts";
import { HEADER, sampleAt } from "../../metrics/capture_records.ts";
import { recordsOf } from "../../metrics/fixtures/captures.ts";

const REAL = await documentOf(await recordsOf("v4"));

/** Windows of 5 s one after the other, up to `end`; their series are real ones. */
function* windowsOf(seconds: number, end = Date.now()): Generator<Window> {
  for (let at = 0; at < seconds / 5; at++) {
    const start = end - 1000 * seconds + 5000 * at;
    yield {
      start: new Date(start).toISOString(),
      end: new Date(start + 5000).toISOString(),
      series: REAL.windows[at % REAL.windows.length]!.series,
    };
  }
}

/** A server with these windows. */
function serverWith(windows: Iterable<Window>): ServerHistory {
  const server = new ServerHistory("dhcp4");
  server.next(HEADER, null);
  for (const window of windows) server.next(sampleAt(1, {}), window);
  return server;
}

const received = (windows: readonly Window[]) =>
  windows.reduce((sum, { series }) => sum + trafficOf(series, "packets", "received"), 0);

Deno.test("StoredWindows keeps an hour in windows of 15 s, and drops no count", () => {
  const stored = new StoredWindows();
  const windows = [...windowsOf(3600)];
  for (const window of windows) stored.add(window, null);
  const kept = stored.since(0);
  assert.equal(kept.length, 240);
  assert.equal(
    kept.reduce((sum, { numbers }) => sum + numbers.received, 0),
    received(windows),
  );
  assert.ok(stored.bytes < 2 ** 20, `${stored.bytes} bytes`);
});

Deno.test("StoredWindows drops what is older than an hour", () => {
  const stored = new StoredWindows();
  for (const window of windowsOf(3 * 3600)) stored.add(window, null);
  const kept = stored.since(0);
  assert.ok(kept.length === 240 || kept.length === 241, `${kept.length}`);
});

Deno.test("StoredWindows drops the oldest when they have too many bytes", () => {
  const mostBytes = 100_000;
  const stored = new StoredWindows({ mostBytes });
  for (const window of windowsOf(3600)) {
    stored.add(window, null);
    assert.ok(stored.bytes <= mostBytes);
  }
  const kept = stored.since(0);
  assert.ok(kept.length > 20 && kept.length < 240, `${kept.length}`);
  assert.ok(Date.now() - kept.at(-1)!.end < 60_000);
});

Deno.test("StoredWindows merges no windows over a gap", () => {
  const stored = new StoredWindows();
  const windows = [...windowsOf(30)].filter((_, at) => at !== 1);
  for (const window of windows) stored.add(window, null);
  const lengths = stored.since(0).map(({ start, end }) => (end - start) / 1000);
  assert.deepEqual(lengths, [5, 15, 5]);
});

Deno.test("History bounds the bytes of all servers together", () => {
  const mostBytes = 300_000;
  const history = new History(mostBytes);
  const bytes = () => history.servers.reduce((sum, { windows }) => sum + windows.bytes, 0);
  const names = ["a", "b", "c"];
  for (const name of names) history.next(name, HEADER, null);
  for (const window of windowsOf(3600)) {
    for (const name of names) history.next(name, sampleAt(1, {}), window);
    assert.ok(bytes() <= mostBytes);
  }
  assert.ok(history.servers.every(({ windows }) => windows.since(0).length > 10));
});

Deno.test("History forgets the servers that are gone the longest, and none that runs", () => {
  const history = new History();
  for (let at = 0; at < 100; at++) {
    history.next(`dhcp4@${at}`, HEADER, null);
    if (at > 0) history.gone(`dhcp4@${at}`, false);
  }
  assert.equal(history.servers.length, 64);
  assert.equal(history.get("dhcp4@0")?.state, "starting");
  assert.equal(history.get("dhcp4@1"), undefined);
  assert.equal(history.get("dhcp4@99")?.state, "gone");
});

Deno.test("documentText() is a document of the last minutes, with the counts of its windows", () => {
  const windows = [...windowsOf(600)];
  const server = serverWith(windows);
  for (const minutes of [5, 60]) {
    const json = [...documentText(lastMinutes(server, minutes))].join("");
    const document = parseDocument(JSON.parse(json));
    assert.equal(document.capture.verdict, "COMPLETE");
    assert.deepEqual(document.capture.reasons, []);
    assert.equal(trafficOf(document.totals, "packets", "received"), received(document.windows));
    assert.ok(document.windows.length >= 4 * Math.min(minutes, 10) - 1);
    if (minutes === 60) assert.equal(received(document.windows), received(windows));
  }
});

Deno.test("a document is partial because of what was not watched, and says why", () => {
  const windows = [...windowsOf(60)].filter((_, at) => at !== 3 && at !== 4);
  const server = serverWith(windows);
  server.next({ type: "note", elapsed_ns: 1, reason: "A map was full" }, null);
  const { capture } = lastMinutes(server, 5).head;
  assert.equal(capture.verdict, "PARTIAL");
  assert.deepEqual(capture.reasons, ["A map was full", "10.0 s were not watched"]);
  assert.ok(Math.abs(capture.duration_seconds! - capture.watched_seconds! - 10) < 0.01);
});

Deno.test("a note holds until other probes are attached, and an hour more in the page's hour", () => {
  const server = serverWith(windowsOf(60));
  const now = Date.now();
  server.next({ type: "note", elapsed_ns: 1, reason: "A map was full" }, null, now - 7_200_000);
  const reasons = () => lastMinutes(server, 60, now).head.capture.reasons;
  assert.deepEqual(reasons(), ["A map was full"]);
  server.next(HEADER, null, now - 3_000_000);
  server.next(sampleAt(1, {}), null, now);
  assert.deepEqual(reasons(), ["A map was full"]);
  server.prune(now + 700_000);
  assert.deepEqual(server.notes, []);
});

Deno.test("a server whose process is there and is not watched is not gone", () => {
  const server = serverWith(windowsOf(60));
  server.gone(true);
  assert.equal(server.state, "unwatched");
  server.next({ ...HEADER, server: { ...HEADER.server, pid: 2 ** 22 + 1 } }, null);
  server.gone(false);
  assert.equal(server.state, "gone");
  assert.equal(server.processes.length, 2);
  assert.deepEqual(lastMinutes(server, 5).head.capture.reasons, ["The server has ended"]);
});

Deno.test("ServerHistory keeps 200 slow packets, and counts those that it leaves out", () => {
  const server = new ServerHistory("dhcp4");
  server.next({ ...HEADER, started: new Date().toISOString(), slow_ns: 1e6 }, null);
  for (let at = 0; at < 307; at++) {
    server.next({
      ...{ type: "slow", elapsed_ns: at * 1e6, message: 1, answer: 2, time_ns: 2e6 + at },
      ...{ transaction: "00000001", client: "00:00:00:00:00:01", stages: {} },
    }, null);
  }
  const { slow } = lastMinutes(server, 60).head;
  assert.equal(slow?.packets.length, 200);
  assert.equal(slow?.omitted, 107);
  assert.equal(slow?.packets[0]?.duration_ns, 2e6 + 306);
});
