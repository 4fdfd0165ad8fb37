/**
 * Sends Ethernet frames as they are, whatever their headers say; run inside a lab's client namespace:
 * `deno run -A send_frames.ts INTERFACE`, the frames as lines of hexadecimal digits on standard input.
 */

import { setTimeout as pause } from "node:timers/promises";

const [AF_PACKET, SOCK_RAW] = [17, 3];
const { symbols: libc } = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "u64", "i32"], result: "i64" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
});

const name = new TextEncoder().encode(`${Deno.args[0]!}\0`);
// struct sockaddr_ll: family, protocol (none is received), number of the interface.
const address = new DataView(new ArrayBuffer(20));
address.setUint16(0, AF_PACKET, true);
address.setInt32(4, libc.if_nametoindex(name), true);
const socket = libc.socket(AF_PACKET, SOCK_RAW, 0);
if (socket < 0 || libc.bind(socket, address.buffer, 20) < 0) {
  throw new Error("Cannot open a packet socket");
}
const lines = (await new Response(Deno.stdin.readable).text()).trim().split("\n");
for (const [index, line] of lines.entries()) {
  const frame = Uint8Array.fromHex(line);
  if (libc.send(socket, frame, BigInt(frame.length), 0) !== BigInt(frame.length)) {
    throw new Error(`Cannot send a frame of ${frame.length} bytes`);
  }
  // About 500 a second, so that the server's buffer holds them.
  if (index % 5 === 4) await pause(10);
}
