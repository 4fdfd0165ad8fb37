/**
 * Sends DISCOVERs as a relay does, bounded in number, and prints how many answers came; run inside a
 * lab's client namespace: `deno run -A send_discovers.ts ADDRESS alike|twice`.
 *
 * alike: 20 bursts of 100, hardware addresses that differ in their last byte alone, random
 * transaction ids. twice: 160 clients in groups of 20, each packet twice, 15 ms apart.
 */

import { createSocket } from "node:dgram";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { random } from "./seeded_random.ts";

const [address, manner] = [Deno.args[0]!, Deno.args[1]!];

function discover(client: number, transaction: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(300);
  const view = new DataView(bytes.buffer);
  bytes.set([1, 1, 6, 1]);
  view.setUint32(4, transaction);
  bytes.set([10, 77, 0, 2], 24);
  bytes.set([2, 0, 0x5e, 0x10, client >> 8, client & 0xff], 28);
  bytes.set([0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255], 236);
  return bytes;
}

const socket = createSocket("udp4");
let answers = 0;
socket.on("message", () => answers++);
await promisify<void>((done) => socket.bind(67, "10.77.0.2", () => done(null)))();
const send = (packet: Uint8Array) =>
  new Promise<void>((resolve, reject) =>
    socket.send(packet, 67, address, (error) => error ? reject(error) : resolve())
  );

if (manner === "alike") {
  for (let burst = 0; burst < 20; burst++) {
    for (let each = 0; each < 100; each++) {
      await send(discover((burst * 100 + each) % 250, random()));
    }
    await pause(350);
  }
} else {
  for (let group = 0; group < 8; group++) {
    const packets = Array.from({ length: 20 }, (_, each) => discover(20 * group + each, random()));
    for (const packet of packets) await send(packet);
    await pause(15);
    for (const packet of packets) await send(packet);
    await pause(400);
  }
}
// Until no answer comes any more.
for (let before = -1; before !== answers;) {
  before = answers;
  await pause(1000);
}
socket.close();
console.log(answers);
