import assert from "node:assert/strict";
import { Redaction } from "../../probes/redaction.ts";
import { SlowPackets } from "../../probes/slow_packets.ts";

/** Bytes as a 64-bit word of this machine. */
const word = (...bytes: readonly number[]) =>
  new DataView(Uint8Array.from([...bytes, ...new Array(8 - bytes.length).fill(0)]).buffer)
    .getBigUint64(0, true);

/** Times of no stage. */
const NONE = new Array(10).fill(0);

const line = (...values: readonly (number | bigint)[]) => `slow ${values.join(" ")}\n`;

Deno.test("SlowPackets reads a DHCPv4 packet: transaction, hardware address, fine stages", () => {
  const head = word(2, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef);
  const [start, end] = [word(2, 0, 0x5e, 0x10, 0, 7), word()];
  const times = [400, 60, 500, 100, 200, 100, 300, 50, 40, 0];
  const { nsecs, packet } = new SlowPackets(4, null)
    .read(line(9000, 1250, 3, 5, head, 6, start, end, ...times));
  assert.equal(nsecs, 9000);
  assert.deepEqual(packet, {
    type: "slow",
    message: 3,
    answer: 5,
    time_ns: 1250,
    transaction: "deadbeef",
    client: "02:00:5e:10:00:07",
    stages: { allocate: 60, queue: 100, parse: 200, select: 100, commit: 300, pack: 50, send: 40 },
  });
});

Deno.test("SlowPackets keeps the coarse stages where there are no others", () => {
  const times = [400, 60, 500, 0, 0, 0, 0, 0, 0, 0];
  const { packet } = new SlowPackets(4, null)
    .read(line(1, 960, 1, 2, word(), 6, word(), word(), ...times));
  assert.deepEqual(packet.stages, { before: 400, allocate: 60, after: 500 });
});

Deno.test("SlowPackets reads a DHCPv6 packet: transaction, the end of the DUID", () => {
  const head = word(7, 0x10, 0x20, 0x30, 0, 1, 0, 10);
  const read = (length: number) =>
    new SlowPackets(6, null).read(
      line(1, 2, 3, 7, head, length, word(1, 2, 3, 4, 5, 6, 7, 8), word(9, 10, 11, 12), ...NONE),
    ).packet;
  assert.equal(read(10).transaction, "102030");
  assert.equal(read(4).client, "00:00:00:00");
  assert.equal(read(10).client, "07:08:09:0a:0b:0c:00:00:00:00");
  assert.equal(read(18).client, "..01:02:03:04:05:06:07:08:09:0a:0b:0c:00:00:00:00");
});

Deno.test("SlowPackets hashes clients alike within a run, and not in another", () => {
  const one = line(1, 2, 1, 2, word(), 6, word(1, 2, 3, 4, 5, 6), word(), ...NONE);
  const run = new SlowPackets(4, new Redaction());
  const [first, again, elsewhere] = [run, run, new SlowPackets(4, new Redaction())]
    .map((packets) => packets.read(one).packet.client);
  assert.match(first!, /^[0-9a-f]{12}$/);
  assert.equal(first, again);
  assert.notEqual(first, elsewhere);
});

Deno.test("SlowPackets reads what a packet waited for, and the rest since its thread began is running", () => {
  const times = [400, 60, 500, 100, 200, 100, 300, 50, 40, 0];
  const slow = new SlowPackets(4, null);
  const packetOf = (waits: readonly number[], stages: readonly number[] = times) =>
    slow.read(line(9000, 1250, 3, 5, word(), 6, word(), word(), ...stages, ...waits)).packet;
  assert.deepEqual(packetOf([1, 30, 0, 700, 0, 0, 0]).waits, {
    running: 420,
    run_queue: 30,
    disk: 700,
  });
  assert.deepEqual(packetOf([1, 0, 0, 0, 0, 0, 0]).waits, { running: 1150 });
  assert.equal(packetOf([0, 0, 0, 0, 0, 0, 0]).waits, undefined, "not measured");
  const parked = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1250];
  assert.equal(packetOf([1, 0, 0, 0, 0, 0, 0], parked).waits, undefined, "sent by another thread");
});
