/**
 * A DHCPv4 client for one exchange, on the only link of its network namespace. It takes a lease, releases
 * it, and prints the result as JSON: null without an answer.
 *
 * Run as `deno run -A dora_client.ts`.
 */

import { setTimeout as pause } from "node:timers/promises";
import { createSocket, type Socket } from "node:dgram";

const [DISCOVER, OFFER, REQUEST, ACK, RELEASE] = [1, 2, 3, 5, 7];
const OPTION = { requested: 50, type: 53, server: 54 } as const;

/** How long offers are gathered, and an acknowledgement awaited, milliseconds. */
const [GATHER_MS, WAIT_MS] = [1500, 3000];

/** A message as it came. */
interface Message {
  readonly type: number;
  readonly address: string;
  readonly server: string;
  readonly ms: number;
}

const transaction = crypto.getRandomValues(new Uint8Array(4));
// A locally administered address.
const hardware = crypto.getRandomValues(new Uint8Array(6));
hardware[0] = 2;

function message(type: number, options: readonly (readonly [number, string])[], own?: string) {
  const bytes = new Uint8Array(300);
  bytes.set([1, 1, 6, 0]);
  bytes.set(transaction, 4);
  // Answers by broadcast: this client has no address yet.
  bytes[10] = 0x80;
  if (own !== undefined) bytes.set(own.split(".").map(Number), 12);
  bytes.set(hardware, 28);
  let at = 236;
  const put = (...values: number[]) => {
    bytes.set(values, at);
    at += values.length;
  };
  put(0x63, 0x82, 0x53, 0x63, OPTION.type, 1, type);
  for (const [option, address] of options) put(option, 4, ...address.split(".").map(Number));
  put(255);
  return bytes;
}

/** Answers to this client's transaction, as they come. */
function listen(socket: Socket): Message[] {
  const messages: Message[] = [];
  const begun = performance.now();
  socket.on("message", (bytes) => {
    if (bytes.length < 240 || bytes[0] !== 2) return;
    if (!transaction.every((byte, index) => bytes[4 + index] === byte)) return;
    const options = new Map<number, Uint8Array>();
    for (let at = 240; at + 1 < bytes.length && bytes[at] !== 255;) {
      if (bytes[at] === 0) {
        at++;
        continue;
      }
      const length = bytes[at + 1]!;
      options.set(bytes[at]!, bytes.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
    messages.push({
      type: options.get(OPTION.type)?.[0] ?? 0,
      address: [...bytes.subarray(16, 20)].join("."),
      server: [...options.get(OPTION.server) ?? []].join("."),
      ms: Math.round(performance.now() - begun),
    });
  });
  return messages;
}

const socket = createSocket({ type: "udp4", reuseAddr: true });
await new Promise<void>((resolve) => socket.bind(68, "0.0.0.0", resolve));
socket.setBroadcast(true);
const messages = listen(socket);
const send = (bytes: Uint8Array) =>
  new Promise<void>((resolve, reject) =>
    socket.send(bytes, 67, "255.255.255.255", (error) => error ? reject(error) : resolve())
  );

await send(message(DISCOVER!, []));
await pause(GATHER_MS);
const offers = messages.filter(({ type }) => type === OFFER);
const [offer] = offers;
let acknowledged = false;
if (offer !== undefined) {
  const { address, server } = offer;
  await send(message(REQUEST!, [[OPTION.requested, address], [OPTION.server, server]]));
  for (let waited = 0; waited < WAIT_MS && !acknowledged; waited += 50) {
    await pause(50);
    acknowledged = messages.some(({ type }) => type === ACK);
  }
  if (acknowledged) await send(message(RELEASE!, [[OPTION.server, server]], address));
}
console.log(JSON.stringify(
  offer === undefined ? null : {
    servers: [...new Set(offers.map(({ server }) => server))],
    offered: offer.address,
    ms: offer.ms,
    acknowledged,
  },
));
socket.close();
