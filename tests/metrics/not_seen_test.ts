import assert from "node:assert/strict";
import { refusalsIn, type Statistics } from "../../metrics/kea_statistics.ts";
import { ledgerRows } from "../../metrics/ledger.ts";
import { DocumentBuilder, documentOf } from "../../metrics/document_builder.ts";
import { summary } from "../../viz/summary.ts";
import { mergedWindows } from "../../metrics/overview.ts";
import { END, HEADER, sampleAt, SERVER } from "./capture_records.ts";

const SEGMENT = {
  type: "segment" as const,
  segment: 1,
  elapsed_ns: 6e9,
  server: SERVER,
  plan: HEADER.plan,
  reason: "The server restarted: pid 1000, then 1001",
};

/** Received and answered DHCPDISCOVERs. */
const maps = (count: number) => ({
  "@received": [[1, 1, count, 300 * count]],
  "@processing": [[1, 2, 100, count, 1000 * count]],
});

/** Two seconds watched with 20 packets, six not, two again with 20, and two not at the end. */
const RECORDS = [
  HEADER,
  ...[0, 1, 2].map((second) => sampleAt(second, second === 0 ? {} : maps(10))),
  { type: "note" as const, elapsed_ns: 8e9, reason: "The server restarted: 6.0 s not watched" },
  SEGMENT,
  ...[8, 9, 10].map((second) => sampleAt(second, second === 8 ? {} : maps(10), { segment: 1 })),
];
const LAST = { ...END, elapsed_ns: 12e9, verdict: "PARTIAL" as const };

const traffic = (client: { sent: number; received: number; seconds: number }) => ({
  type: "traffic" as const,
  elapsed_ns: 12e9,
  client: { engine: "perfdhcp", dropped: 0, ...client },
  statistics: null,
});

Deno.test("documentOf() has the whole duration and the watched part, and rates are of that part", async () => {
  const document = await documentOf([...RECORDS, LAST]);
  assert.equal(document.capture.duration_seconds, 12);
  assert.equal(document.capture.watched_seconds, 4);
  const text = summary(document, { colour: false });
  assert.match(text, /12\.0 s, 8\.0 s of it not watched/);
  assert.match(text, /received raw +40 packets +avg 10\.0\/s/);
  const { ledger } = document;
  assert.deepEqual([ledger!.not_seen, ledger!.not_watched_seconds, ledger!.unexplained], [
    null,
    8,
    null,
  ]);
  const rows = ledgerRows(ledger!).map(([what, count]) => `${what}: ${count}`);
  assert.ok(rows.includes("not seen, in 8.0 s not watched: not known"), rows.join());
  assert.ok(rows.includes("unexplained: not known"), rows.join());
});

Deno.test("ledgerOf() takes for not seen what the client can have sent in the gaps, and no more", async () => {
  const ledgerWith = async (client: Parameters<typeof traffic>[0]) =>
    (await documentOf([...RECORDS, traffic(client), LAST])).ledger!;
  const likely = await ledgerWith({ sent: 120, received: 110, seconds: 12 });
  assert.deepEqual(
    [likely.received, likely.not_seen, likely.answers_not_seen, likely.unexplained],
    [40, 80, 70, 0],
  );
  // Of 1,000 evenly sent ones 667 at most came in 8 of 12 s.
  const unlikely = await ledgerWith({ sent: 1000, received: 40, seconds: 12 });
  assert.deepEqual([unlikely.not_seen, unlikely.unexplained], [667, 293]);
});

Deno.test("contradiction() holds the programs against the client and Kea, not against gaps", async () => {
  const contradictionOf = (records: readonly Parameters<DocumentBuilder["next"]>[0][]) => {
    const builder = new DocumentBuilder();
    for (const record of records) builder.next(record);
    return builder.contradiction(0);
  };
  const whole = [HEADER, sampleAt(0, {}), sampleAt(1, maps(10))];
  const nothing = [HEADER, sampleAt(0, {}), sampleAt(1, {})];
  const sent = (received: number) => traffic({ sent: 50, received, seconds: 1 });
  assert.equal(contradictionOf([...whole, sent(10)]), null);
  assert.equal(
    contradictionOf([...whole, sent(11)]),
    "The client received 11 answers, and the programs saw 10 of them",
  );
  assert.match(contradictionOf([...nothing, sent(50)])!, /the programs saw 0 of them/);
  assert.equal(contradictionOf([...RECORDS, sent(50)]), null);
  assert.match(
    contradictionOf([...nothing, { ...sent(0), statistics: { "pkt4-received": 50 } }])!,
    /^Kea counted 50 packets received/,
  );
  const blind = await documentOf([...nothing, sent(50), END]);
  assert.deepEqual([blind.ledger!.offered, blind.ledger!.unexplained], [50, 100]);
});

Deno.test("mergedWindows() over a gap keep how much of them was watched", async () => {
  const { windows } = await documentOf([...RECORDS, LAST]);
  const [merged] = mergedWindows(windows, 1);
  assert.equal(merged!.watched_seconds, 4);
  assert.equal(Date.parse(merged!.end) - Date.parse(merged!.start), 10_000);
  assert.equal(mergedWindows(windows.slice(0, 2), 1)[0]!.watched_seconds, undefined);
});

Deno.test("refusalsIn() names each counter that a newer Kea has, and those that no one knows yet", () => {
  // Each counts in pkt4-receive-drop, too (Kea 3.1.4 and later).
  const statistics = {
    "pkt4-received": 900,
    "pkt4-discover-received": 900,
    "pkt4-offer-sent": 600,
    "pkt4-lease-query-response-unknown-sent": 3,
    "pkt4-parse-failed": 10,
    "pkt4-receive-drop": 310,
    "pkt4-queue-full": 100,
    "pkt4-limit-exceeded": 60,
    "pkt4-of-a-kind-to-come": 40,
    "v4-allocation-fail": 5,
  };
  assert.deepEqual(refusalsIn(statistics, 1000), [
    ["parse_failed", 10],
    ["pkt4-queue-full", 100],
    ["pkt4-limit-exceeded", 60],
    ["pkt4-of-a-kind-to-come", 40],
    ["dropped", 100],
    ["packet_queue", 0],
    ["no_address", 5],
  ]);
  const queued = (statistics: Statistics) =>
    Object.fromEntries(refusalsIn(statistics, 1000))["packet_queue"];
  assert.equal(queued({ "pkt4-received": 900 }), 100);
  // Of DHCPv6, all were received, and 100 neither parsed nor found malformed.
  const typed = { "pkt6-solicit-received": 500, "pkt6-unknown-received": 100 };
  const counted = { "pkt6-received": 1000, "pkt6-parse-failed": 300, ...typed };
  assert.equal(queued(counted), 100);
  assert.equal(queued({ ...counted, "pkt6-queue-full": 100 }), 0);
});

Deno.test("documentOf() calls nothing complete that watched nothing, or that says it is not complete", async () => {
  const reasonsOf = async (records: Parameters<typeof documentOf>[0]) => {
    const { verdict, reasons } = (await documentOf(records)).capture;
    assert.equal(verdict, "PARTIAL");
    return reasons.join();
  };
  assert.match(await reasonsOf([HEADER, END]), /^Nothing was watched/);
  assert.match(await reasonsOf([HEADER, sampleAt(0, {}), END]), /^Nothing was watched/);
  assert.match(
    await reasonsOf([HEADER, sampleAt(0, {}), sampleAt(1, {}), { ...END, verdict: "PARTIAL" }]),
    /calls itself PARTIAL/,
  );
});
