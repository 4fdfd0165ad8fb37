/**
 * Sends DHCPREQUESTs, as a relay does, for an address that another client has, one after the other, and prints the
 * type of each answer; run inside a lab's client namespace: `deno run -A send_taken_request.ts SERVER ADDRESS [COUNT]`.
 */

import { createSocket } from "node:dgram";
import { promisify } from "node:util";

const [server, address, count = "1"] = Deno.args as [string, string, string?];
const numbers = (dotted: string) => dotted.split(".").map(Number);

const bytes = new Uint8Array(300);
bytes.set([1, 1, 6, 1]);
bytes.set(numbers("10.77.0.2"), 24);
bytes.set([2, 0, 0x5e, 0x20, 0x30, 0x40], 28);
bytes.set([0x63, 0x82, 0x53, 0x63, 53, 1, 3, 50, 4, ...numbers(address)], 236);
bytes.set([54, 4, ...numbers(server), 255], 249);

const socket = createSocket("udp4");
await promisify<void>((done) => socket.bind(67, "10.77.0.2", () => done(null)))();
const limit = setTimeout(() => Deno.exit(1), 10_000);
for (let request = 0; request < Number(count); request++) {
  bytes.set(crypto.getRandomValues(new Uint8Array(4)), 4);
  const answer = new Promise<Uint8Array>((resolve) => socket.once("message", resolve));
  socket.send(bytes, 67, server);
  console.log((await answer)[242]);
}
clearTimeout(limit);
socket.close();
