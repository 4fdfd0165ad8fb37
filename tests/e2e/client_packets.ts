/** DHCP packets of clients behind a relay, for `send_packets.ts`. */

import { inClient } from "./watched.ts";
import type { Lab } from "../../tools/lab/lab.ts";

/** A client's request, mostly its first. */
export interface ClientPacket {
  readonly client: number;
  readonly transaction: number;
  /** How long it says that it has waited: whole seconds, of DHCPv6 hundredths; DHCPv6: none where absent. */
  readonly waited?: number;
  /** Whether the server gives no answer: DHCPv4 from an unknown subnet, DHCPv6 with a server's identifier. */
  readonly isRefused?: boolean;
  /** DHCPv4: it asks for this address, which the server has offered. */
  readonly address?: readonly [number, number, number, number];
}

/** A pause in milliseconds, or the number of answers in all that is waited for. */
export type Interlude = { readonly pause: number } | { readonly answers: number };

/** Sends packets to a lab's server; returns how many answers came. */
export async function sendPackets(
  lab: Lab,
  packets: readonly (ClientPacket | Interlude)[],
): Promise<number> {
  const lines = packets.map((each) => {
    if ("pause" in each) return `pause ${each.pause}`;
    if ("answers" in each) return `answers ${each.answers}`;
    return (lab.family === 4 ? discover(each) : solicit(each)).toHex();
  });
  const address = lab.family === 4 ? lab.serverAddress : "fd77::1";
  return Number(
    await inClient(lab, "send_packets.ts", [String(lab.family), address], lines.join("\n")),
  );
}

/** A client as it is shown: its hardware address, or its DUID, which has that. */
export function clientAddress(family: 4 | 6, client: number): string {
  const address = clientBytes(client).toHex().replaceAll(/..(?!$)/g, "$&:");
  return family === 4 ? address : `00:03:00:01:${address}`;
}

function clientBytes(client: number): Uint8Array {
  return Uint8Array.of(2, 0, 0x5e, client >> 16, client >> 8, client);
}

function discover(
  { client, transaction, waited = 0, isRefused = false, address }: ClientPacket,
): Uint8Array {
  const bytes = new Uint8Array(300);
  const view = new DataView(bytes.buffer);
  bytes.set([1, 1, 6, 1]);
  view.setUint32(4, transaction);
  view.setUint16(8, waited);
  bytes.set(isRefused ? [192, 0, 2, 1] : [10, 77, 0, 2], 24);
  bytes.set(clientBytes(client), 28);
  const asked = address === undefined ? [] : [50, 4, ...address, 54, 4, 10, 77, 0, 1];
  bytes.set([0x63, 0x82, 0x53, 0x63, 53, 1, address === undefined ? 1 : 3, ...asked, 255], 236);
  return bytes;
}

function solicit({ client, transaction, waited, isRefused = false }: ClientPacket): Uint8Array {
  const option = (code: number, ...data: number[]) => [0, code, 0, data.length, ...data];
  const message = [
    ...[1, transaction >> 16, transaction >> 8, transaction],
    ...option(1, 0, 3, 0, 1, ...clientBytes(client)),
    ...isRefused ? option(2, 0, 3, 0, 1, 2, 0, 0, 0, 0, 1) : [],
    ...option(3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
    // Options to walk over before the one that counts.
    ...option(6, 0, 23, 0, 24),
    ...waited === undefined ? [] : option(8, waited >> 8, waited),
  ];
  const address = [0xfd, 0x77, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
  const length = message.length;
  return Uint8Array.of(12, 0, ...address, ...address, 0, 9, length >> 8, length, ...message);
}
