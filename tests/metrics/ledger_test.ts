import assert from "node:assert/strict";
import { ledgerOf, ledgerRows } from "../../metrics/ledger.ts";
import { documentOf } from "../../metrics/document_builder.ts";
import { END, HEADER, sampleAt, SERVER } from "./capture_records.ts";

Deno.test("ledgerOf() counts what the kernel refused as not answered, and adds up", async () => {
  const { totals } = await documentOf([
    HEADER,
    sampleAt(0, {}),
    sampleAt(1, {
      "@received": [[2, 1, 7, 2100], [2, 15, 2, 600]],
      "@processing": [[1, 2, 100, 7, 70_000], [15, 15, 100, 2, 20_000]],
      "@sent": [[2, 4, 1200]],
      "@send_refused": [[2, 5]],
    }),
    END,
  ]);
  const ledger = ledgerOf(totals, {
    type: "traffic",
    elapsed_ns: 1e9,
    client: { engine: "perfdhcp", sent: 9, received: 4, dropped: 0, seconds: 1 },
    statistics: null,
  });
  assert.deepEqual(ledger!.answered, { DHCPOFFER: 2, BOOTP: 2 });
  assert.deepEqual(ledger!.refused, { send_refused: 5 });
  assert.equal(ledger!.received_by_client, 4);
  assert.equal(ledger!.unexplained, 0);
});

Deno.test("ledgerOf() knows that perfdhcp does not count a DHCPNAK", async () => {
  const { totals } = await documentOf([
    HEADER,
    sampleAt(0, {}),
    sampleAt(1, {
      "@received": [[2, 1, 7, 2100], [2, 3, 7, 2100]],
      "@processing": [[1, 2, 100, 7, 70_000], [3, 5, 100, 4, 40_000], [3, 6, 100, 3, 20_000]],
      "@sent": [[2, 14, 4200]],
    }),
    END,
  ]);
  const ledgerFor = (received: number) =>
    ledgerOf(totals, {
      type: "traffic",
      elapsed_ns: 1e9,
      client: { engine: "perfdhcp", sent: 14, received, dropped: 0, seconds: 1 },
      statistics: null,
    })!;
  assert.deepEqual(
    [ledgerFor(11).ignored_by_client, ledgerFor(11).unexplained],
    [3, 0],
  );
  // One answer more is missing than can be a DHCPNAK.
  assert.deepEqual([ledgerFor(10).ignored_by_client, ledgerFor(10).unexplained], [3, 1]);
});

Deno.test("ledgerOf() explains by its counters what a kea-dhcp6 did not answer", async () => {
  const { ledger } = await documentOf([
    { ...HEADER, server: { ...SERVER, family: 6 } },
    sampleAt(0, {}),
    sampleAt(1, {
      "@received": [[1, 30, 3000], [20, 1, 90]],
      "@processing": [[1, 2, 100, 20, 200_000]],
      "@not_dhcp": [[2]],
    }, { requests: { unanswered: { 1: 9, 20: 1 }, late: {}, pending: { 1: 1, 20: 0 } } }),
    {
      type: "traffic",
      elapsed_ns: 1e9,
      client: { engine: "perfdhcp", sent: 33, received: 20, rejected: 5, dropped: 0, seconds: 1 },
      statistics: {
        "pkt6-received": 33,
        "pkt6-parse-failed": 4,
        "pkt6-receive-drop": 7,
        "pkt6-solicit-received": 26,
        "pkt6-dhcpv4-query-received": 1,
      },
    },
    { ...END, elapsed_ns: 1e9 },
  ]);
  assert.deepEqual(ledger, {
    offered: 33,
    from_other_clients: 0,
    kernel_dropped: 0,
    received: 33,
    // Two were received, and then neither parsed nor found malformed. No counter has the last three.
    refused: { parse_failed: 4, dropped: 3, packet_queue: 2, unanswered: 3 },
    pending: 1,
    no_answer_expected: 0,
    answered: { ADVERTISE: 20 },
    client_dropped: 0,
    answered_others: 0,
    received_by_client: 20,
    without_lease: 5,
    unexplained: 0,
  });
  assert.deepEqual(ledgerRows(ledger!).slice(-3), [
    ["received by the client", "20", 0],
    ["without an address or a prefix", "5", 1],
    ["unexplained", "0", 0],
  ]);
});
