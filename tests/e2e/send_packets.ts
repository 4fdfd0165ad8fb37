/**
 * Sends DHCP payloads as a relay does; run inside a lab's client namespace:
 * `deno run -A send_packets.ts 4|6 ADDRESS`, on standard input a line of hexadecimal digits for each packet,
 * `pause MILLISECONDS`, or `answers NUMBER` to wait for so many in all. Prints how many answers came.
 */

import { createSocket } from "node:dgram";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

const [family, address] = [Deno.args[0], Deno.args[1]!];
const [port, own] = family === "4" ? [67, "10.77.0.2"] as const : [547, "fd77::2"] as const;

const socket = createSocket(family === "4" ? "udp4" : "udp6");
let answers = 0;
socket.on("message", () => answers++);
await promisify<void>((done) => socket.bind(port, own, () => done(null)))();

const lines = (await new Response(Deno.stdin.readable).text()).trim().split("\n");
for (const [index, line] of lines.entries()) {
  const [, word, number] = /^(pause|answers) (\d+)$/.exec(line) ?? [];
  if (word === "pause") await pause(Number(number));
  while (word === "answers" && answers < Number(number)) await pause(1);
  if (word !== undefined) continue;
  await promisify<void>((done) =>
    socket.send(Uint8Array.fromHex(line), port, address, (error) => done(error))
  )();
  // About 1000 a second, so that the server's buffer holds them.
  if (index % 10 === 9) await pause(10);
}
// Until no answer comes any more.
for (let before = -1; before !== answers;) {
  before = answers;
  await pause(1000);
}
socket.close();
console.log(answers);
