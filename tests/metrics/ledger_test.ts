import assert from "node:assert/strict";
import { ledgerOf } from "../../metrics/ledger.ts";
import { documentOf } from "../../metrics/windows.ts";
import { END, HEADER, packed, sampleAt } from "./capture_records.ts";

Deno.test("ledgerOf() counts what the kernel refused as not answered, and adds up", async () => {
  const { totals } = await documentOf([
    HEADER,
    sampleAt(0, {}),
    sampleAt(1, {
      "@received": { "2,1": packed(7, 2100, 40), "2,15": packed(2, 600, 40) },
      "@processing": { "1,2,100": packed(7, 70_000, 44), "15,15,100": packed(2, 20_000, 44) },
      "@sent": { "2": packed(4, 1200, 40) },
      "@send_refused": { "2": 5 },
    }),
    END,
  ]);
  const ledger = ledgerOf(totals, {
    type: "traffic",
    elapsed_ns: 1e9,
    client: { engine: "perfdhcp", sent: 9, received: 4, dropped: 0 },
    statistics: null,
  });
  assert.deepEqual(ledger!.answered, { DHCPOFFER: 2, BOOTP: 2 });
  assert.deepEqual(ledger!.refused, { send_refused: 5 });
  assert.equal(ledger!.received_by_client, 4);
  assert.equal(ledger!.unexplained, 0);
});
