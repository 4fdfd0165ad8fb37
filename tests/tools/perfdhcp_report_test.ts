import assert from "node:assert/strict";
import { perfdhcpReport } from "../../tools/dras_wrapper.ts";

// perfdhcp 2.2.0 -4 -r 200 -n 101, shortened where nothing is read.
const ANSWERED = `***Rate statistics***
Rate: 125.373 4-way exchanges/second, expected rate: 200

***Malformed Packets***
Malformed packets: 0
***Statistics for: DISCOVER-OFFER***
sent packets: 101
received packets: 101
drops: 0
drops ratio: 0 %

min delay: 0.367 ms
avg delay: 0.649 ms
max delay: 1.459 ms
collected packets: 0

***Statistics for: REQUEST-ACK***
sent packets: 101
received packets: 100
drops: 1
drops ratio: 0.990 %

min delay: 0.187 ms
avg delay: 0.407 ms
max delay: 0.799 ms
`;

// perfdhcp 2.2.0 -4 -r 50 -n 20 to a server that is not there; the broken line is its own.
const UNANSWERED = `***Statistics for: DISCOVER-OFFER***
sent packets: 20
received packets: 0
drops: 20
drops ratio: 100 %

min delay: inf ms
avg delay: min delay: n/a
avg delay: n/a
max delay: n/a
`;

Deno.test("perfdhcpReport() reads counts of each exchange type", () => {
  assert.deepEqual(perfdhcpReport(ANSWERED).exchanges, {
    "DISCOVER-OFFER": { sent: 101, received: 101 },
    "REQUEST-ACK": { sent: 101, received: 100 },
  });
});

Deno.test("perfdhcpReport() counts none received where nothing was answered", () => {
  assert.deepEqual(perfdhcpReport(UNANSWERED).exchanges, {
    "DISCOVER-OFFER": { sent: 20, received: 0 },
  });
});

// perfdhcp 2.2.0 -6 -A 1 -r 100 -n 53 -R 53, its address in no subnet; shortened where nothing is read.
const REJECTED = `***Statistics for: SOLICIT-ADVERTISE***
sent packets: 53
received packets: 53
drops: 0
drops ratio: 0 %
orphans: 0
rejected leases: 53
non unique addresses: 0

***Statistics for: REQUEST-REPLY***
sent packets: 0
received packets: 0
drops: 0
drops ratio: -nan %
orphans: 0
rejected leases: 0
non unique addresses: 0
`;

Deno.test("perfdhcpReport() counts answers without a lease", () => {
  assert.deepEqual(perfdhcpReport(REJECTED), {
    exchanges: {
      "SOLICIT-ADVERTISE": { sent: 53, received: 53 },
      "REQUEST-REPLY": { sent: 0, received: 0 },
    },
    orphans: 0,
    rejected: 53,
  });
});
