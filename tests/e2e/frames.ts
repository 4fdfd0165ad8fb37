/** Ethernet frames whose lengths lie at each layer, built byte by byte for a packet socket. */

import type { Lab } from "../../tools/lab/lab.ts";
import { must } from "./run_script.ts";

/** Where a frame goes and comes from. */
export interface Ends {
  /** Hardware addresses, six bytes. */
  readonly server: Uint8Array;
  readonly client: Uint8Array;
}

/** What each layer says of its length, where that is not the truth. */
export interface Lies {
  /** IP options, bytes; a multiple of 4. */
  readonly ipOptions?: number;
  /** Words of the IP header as it says. */
  readonly headerWords?: number;
  /** The IP packet's length as its header says: IPv4's of the whole, IPv6's of what follows. */
  readonly ipLength?: number;
  readonly udpLength?: number;
  /** Bytes behind the IP packet. */
  readonly trailer?: number;
}

/** The ends of a lab's link. */
export async function endsOf(lab: Lab): Promise<Ends> {
  const address = async (netns: string, name: string) => {
    const [link] = JSON.parse(await must("ip", "-n", netns, "-j", "link", "show", "dev", name));
    return Uint8Array.fromHex(link.address.replaceAll(":", ""));
  };
  return {
    server: await address(lab.serverNetns, lab.serverInterface),
    client: await address(lab.clientNetns, lab.clientInterface),
  };
}

const SERVER4 = [10, 77, 0, 1];
const CLIENT4 = [10, 77, 0, 2];
const SERVER6 = [0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const CLIENT6 = [...SERVER6.slice(0, 15), 2];
const UDP = 17;

/** The sum of the Internet protocols over some bytes. */
function checksum(bytes: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at]! << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const word = (value: number) => [value >> 8 & 0xff, value & 0xff];

/** A frame of IPv4 and UDP from a relay, 10.77.0.2, to the server of a lab, both at port 67. */
export function frame4(payload: Uint8Array, { server, client }: Ends, lies: Lies = {}): Uint8Array {
  const { ipOptions = 0, trailer = 0 } = lies;
  const udpLength = lies.udpLength ?? 8 + payload.length;
  const ipLength = lies.ipLength ?? 28 + ipOptions + payload.length;
  const words = lies.headerWords ?? 5 + ipOptions / 4;
  const header = [
    ...[0x40 | words, 0, ...word(ipLength), 0, 0, 0, 0, 64, UDP],
    ...[0, 0, ...CLIENT4, ...SERVER4, ...new Array<number>(ipOptions).fill(1)],
  ];
  header.splice(10, 2, ...word(checksum(header)));
  // A sum of zero: not summed up.
  const udp = [...word(67), ...word(67), ...word(udpLength), 0, 0];
  return Uint8Array.from([
    ...[...server, ...client, 0x08, 0x00, ...header, ...udp],
    ...[...payload, ...new Array<number>(trailer).fill(0)],
  ]);
}

/** The same of IPv6, from fd77::2, at port 547; the sum is right for what the kernel would take. */
export function frame6(payload: Uint8Array, { server, client }: Ends, lies: Lies = {}): Uint8Array {
  const udpLength = lies.udpLength ?? 8 + payload.length;
  const ipLength = lies.ipLength ?? 8 + payload.length;
  const taken = udpLength === 0 ? ipLength : udpLength;
  const ports = [...word(547), ...word(547), ...word(udpLength)];
  const sum = checksum([
    ...[...CLIENT6, ...SERVER6, 0, 0, ...word(taken), 0, 0, 0, UDP],
    ...[...ports, 0, 0, ...payload.subarray(0, Math.max(0, taken - 8))],
  ]);
  return Uint8Array.from([
    ...[...server, ...client, 0x86, 0xdd, 0x60, 0, 0, 0, ...word(ipLength), UDP, 64],
    ...[...CLIENT6, ...SERVER6, ...ports, ...word(sum === 0 ? 0xffff : sum)],
    ...[...payload, ...new Array<number>(lies.trailer ?? 0).fill(0)],
  ]);
}
