/**
 * A DHCPv6 client behind relays, bounded in number; run inside a lab's client namespace:
 * `deno run -A v6_client.ts SERVER COUNT HOPS`. Each client goes SOLICIT, REQUEST, CONFIRM, RENEW,
 * REBIND, RELEASE and INFORMATION_REQUEST, for an address and a prefix; COUNT
 * more SOLICITs come with rapid commit. Prints the answers by message as JSON.
 */

import { createSocket } from "node:dgram";
import { promisify } from "node:util";

const [server, count, hops] = [Deno.args[0]!, Number(Deno.args[1]), Number(Deno.args[2])];

const TYPES = {
  SOLICIT: 1,
  REQUEST: 3,
  CONFIRM: 4,
  RENEW: 5,
  REBIND: 6,
  RELEASE: 8,
  INFORMATION_REQUEST: 11,
} as const;
const [RELAY_FORWARD, RELAY_REPLY, RELAY_MESSAGE] = [12, 13, 9];
const [CLIENT_ID, SERVER_ID, IA_NA, RAPID_COMMIT, IA_PD] = [1, 2, 3, 14, 25];

function option(code: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, code);
  view.setUint16(2, data.length);
  bytes.set(data, 4);
  return bytes;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The options of a message by code. */
function optionsIn(bytes: Uint8Array, from: number): Map<number, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found = new Map<number, Uint8Array>();
  for (let at = from; at + 4 <= bytes.length; at += 4 + view.getUint16(at + 2)) {
    found.set(view.getUint16(at), bytes.subarray(at + 4, at + 4 + view.getUint16(at + 2)));
  }
  return found;
}

/** fd77:1::1: an address of the subnet that relays name. */
const LINK = Uint8Array.from([0xfd, 0x77, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

function relayed(message: Uint8Array): Uint8Array {
  let bytes = message;
  for (let hop = 0; hop < hops; hop++) {
    bytes = joined(
      Uint8Array.of(RELAY_FORWARD, hop),
      LINK,
      LINK,
      // An interface id before the message, as many relays send it.
      option(18, Uint8Array.of(1, 2, 3, 4)),
      option(RELAY_MESSAGE, bytes),
    );
  }
  return bytes;
}

function unrelayed(message: Uint8Array): Uint8Array {
  let bytes = message;
  while (bytes[0] === RELAY_REPLY) bytes = optionsIn(bytes, 34).get(RELAY_MESSAGE)!;
  return bytes;
}

const socket = createSocket("udp6");
await promisify<void>((done) => socket.bind(547, "fd77::2", () => done(null)))();
const waiting = new Map<number, (answer: Uint8Array) => void>();
socket.on("message", (datagram) => {
  const answer = unrelayed(new Uint8Array(datagram));
  const transaction = (answer[1]! << 16) | (answer[2]! << 8) | answer[3]!;
  waiting.get(transaction)?.(answer);
});

const answers: Record<string, number> = {};
let transaction = 0x10_0000;

/** Sends a message and waits for its answer, 2 s at most. */
async function ask(
  type: keyof typeof TYPES,
  ...options: readonly Uint8Array[]
): Promise<Map<number, Uint8Array>> {
  const id = ++transaction;
  const header = Uint8Array.of(TYPES[type], id >> 16, id >> 8, id);
  const answer = await new Promise<Uint8Array | null>((resolve) => {
    waiting.set(id, resolve);
    setTimeout(() => resolve(null), 2000);
    socket.send(relayed(joined(header, ...options)), 547, server);
  });
  waiting.delete(id);
  if (answer === null) return new Map();
  const pair = `${type} -> ${answer[0] === 2 ? "ADVERTISE" : "REPLY"}`;
  answers[pair] = (answers[pair] ?? 0) + 1;
  return optionsIn(answer, 4);
}

const ASKED = Uint8Array.from([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);

for (let client = 0; client < count; client++) {
  const duid = Uint8Array.from([0, 3, 0, 1, 2, 0, 0, 1, client >> 8, client]);
  const identity = option(CLIENT_ID, duid);
  const wishes = [option(IA_NA, ASKED), option(IA_PD, ASKED)];
  const offer = await ask("SOLICIT", ...wishes, identity);
  const by = option(SERVER_ID, offer.get(SERVER_ID) ?? new Uint8Array());
  const lease = (found: Map<number, Uint8Array>) =>
    [IA_NA, IA_PD].flatMap((code) => {
      const data = found.get(code);
      return data === undefined ? [] : [option(code, data)];
    });
  const leased = lease(await ask("REQUEST", identity, by, ...lease(offer)));
  await ask("CONFIRM", identity, ...leased.slice(0, 1));
  await ask("RENEW", identity, by, ...leased);
  await ask("REBIND", identity, ...leased);
  await ask("RELEASE", identity, by, ...leased);
  await ask("INFORMATION_REQUEST", identity);
  await ask("SOLICIT", identity, option(RAPID_COMMIT, new Uint8Array()), ...wishes);
}
socket.close();
console.log(JSON.stringify(answers));
Deno.exit(0);
