import assert from "node:assert/strict";
import { ledgerOf } from "../../metrics/ledger.ts";
import { documentOf } from "../../metrics/document_builder.ts";
import { END, HEADER, sampleAt } from "./capture_records.ts";

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
