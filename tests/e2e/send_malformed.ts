/**
 * Sends malformed DHCP packets, bounded in number, to an address given; run inside a lab's client
 * namespace: `deno run -A send_malformed.ts ADDRESS COUNT [cookie]`; with the last argument all
 * have a bad magic cookie, and Kea counts each as a packet that it could not parse.
 */

import { setTimeout as pause } from "node:timers/promises";
import { createSocket } from "node:dgram";
import { promisify } from "node:util";
import { random } from "./seeded_random.ts";

const [address, count] = [Deno.args[0]!, Number(Deno.args[1])];

/** A DISCOVER that a server would answer, as a relay sends it. */
function discover(index: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(300);
  const view = new DataView(bytes.buffer);
  bytes.set([1, 1, 6, 1]);
  view.setUint32(4, 0x5000_0000 + index);
  bytes.set([10, 77, 0, 2], 24);
  view.setUint16(28, 0x0600);
  view.setUint32(30, index);
  bytes.set([0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255], 236);
  return bytes;
}

/** Ways to be malformed; each makes a datagram of its own from a good one. */
const WAYS: readonly ((good: Uint8Array<ArrayBuffer>, index: number) => Uint8Array)[] = [
  // A bad magic cookie: Kea's unpack() throws.
  (good) => (good[236] = 0, good),
  // Cut inside the fixed part, the cookie or the options.
  (good, index) => good.subarray(0, 1 + index % 243),
  // An option that says it is longer than the packet.
  (good) => (good.set([53, 1, 1, 12, 250, 65], 240), good.subarray(0, 246)),
  // A message type of impossible length, and none at all.
  (good) => (good.set([53, 0, 255], 240), good),
  (good) => (good.set([12, 1, 65, 255], 240), good),
  // Options of wrong lengths that Kea decodes: addresses, relay information, client id.
  (good) => (good.set([53, 1, 1, 50, 3, 1, 2, 3, 255], 240), good),
  (good) => (good.set([53, 1, 1, 82, 4, 1, 200, 1, 1, 255], 240), good),
  (good) => (good.set([53, 1, 1, 61, 1, 1, 81, 1, 0, 255], 240), good),
  // A message type that is none.
  (good) => (good[242] = 200, good),
  // A hardware address longer than its field.
  (good) => (good[2] = 255, good),
  // Random options behind a good cookie, and random bytes throughout.
  (good) => (good.forEach((_, at) => at >= 243 && (good[at] = random() & 0xff)), good),
  (good) => (good.forEach((_, at) => good[at] = random() & 0xff), good),
];

const isCookieAlone = Deno.args[2] === "cookie";
const socket = createSocket("udp4");
// From the port of a relay, or from any where another program has that one.
const port = isCookieAlone ? 0 : 67;
await promisify<void>((done) => socket.bind(port, "10.77.0.2", () => done(null)))();
for (let index = 0; index < count; index++) {
  const good = discover(index);
  const packet = WAYS[isCookieAlone ? 0 : index % WAYS.length]!(good, index);
  await new Promise<void>((resolve, reject) =>
    socket.send(packet, 67, address, (error) => error ? reject(error) : resolve())
  );
  // About 2,000 a second, so that the socket's buffer holds them.
  if (index % 20 === 19) await pause(10);
}
socket.close();
