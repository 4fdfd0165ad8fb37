/**
 * Sends malformed DHCPv6 packets, bounded in number, to an address given; run inside a lab's client
 * namespace: `deno run -A send_malformed_v6.ts ADDRESS COUNT`.
 */

import { setTimeout as pause } from "node:timers/promises";
import { createSocket } from "node:dgram";
import { promisify } from "node:util";
import { random } from "./seeded_random.ts";

const [address, count] = [Deno.args[0]!, Number(Deno.args[1])];

const RELAY = Uint8Array.from([
  ...[12, 0],
  ...[0xfd, 0x77, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  ...[0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
]);

/** A SOLICIT behind one relay, as a server would answer it: 38 bytes of relay, 4 of header. */
function solicit(index: number): Uint8Array<ArrayBuffer> {
  const message = [
    ...[1, 0x50, index >> 8 & 0xff, index & 0xff],
    ...[0, 1, 0, 10, 0, 3, 0, 1, 2, 0, 0, 2, index >> 8 & 0xff, index & 0xff],
    ...[0, 3, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    ...[0, 6, 0, 4, 0, 23, 0, 24],
    ...[0, 8, 0, 2, 0, 0],
  ];
  return Uint8Array.from([...RELAY, 0, 9, 0, message.length, ...message]);
}

/** Ways to be malformed; each makes a datagram of its own from a good one. */
const WAYS: readonly ((good: Uint8Array<ArrayBuffer>, index: number) => Uint8Array)[] = [
  // Cut inside the relay's header, and inside the message.
  (good, index) => good.subarray(0, 1 + index % 33),
  (good, index) => good.subarray(0, 36 + index % (good.length - 36)),
  // The relayed message says that it is longer than the packet, or shorter.
  (good) => (good[37] = 255, good),
  (good) => (good[37] = 3, good),
  // A client identifier that says it is longer than the packet, and one of no length.
  (good) => (good[45] = 200, good),
  (good) => (good[45] = 0, good),
  // Options of wrong lengths that Kea decodes: an address association, an elapsed time.
  (good) => (good[59] = 2, good),
  (good) => (good[75] = 1, good),
  // Message types that are none, or that no client sends.
  (good) => (good[38] = 200, good),
  (good) => (good[38] = 7, good),
  (good) => (good[0] = 13, good),
  // No client identifier.
  (good) => (good[43] = 250, good),
  // Relays within relays within relays.
  (good) => Uint8Array.from([...RELAY, 0, 9, 0, good.length, ...good].slice(0, 120)),
  // Random options behind a good header, and random bytes throughout.
  (good) => (good.forEach((_, at) => at >= 42 && (good[at] = random() & 0xff)), good),
  (good) => (good.forEach((_, at) => good[at] = random() & 0xff), good),
];

const socket = createSocket("udp6");
await promisify<void>((done) => socket.bind(547, "fd77::2", () => done(null)))();
for (let index = 0; index < count; index++) {
  const packet = WAYS[index % WAYS.length]!(solicit(index), index);
  await new Promise<void>((resolve, reject) =>
    socket.send(packet, 547, address, (error) => error ? reject(error) : resolve())
  );
  // About 2,000 a second, so that the socket's buffer holds them.
  if (index % 20 === 19) await pause(10);
}
socket.close();
