/** DHCP packets in frames with wrong lengths at each layer, and what a server's sockets make of each. */

import { type Ends, frame4, frame6, type Lies } from "./frames.ts";
import { random } from "./seeded_random.ts";

/**
 * What comes of a frame: bytes of a DHCP packet that the server answers, `other` for bytes of a
 * datagram that is none, null for nothing: the kernel or Kea takes no such frame.
 */
export type Taken = number | "other" | null;

/** A frame, and what comes of it at raw and at UDP sockets. */
export interface Sent {
  readonly frame: Uint8Array;
  readonly raw: Taken;
  readonly udp: Taken;
}

const between = (least: number, most: number) => least + random() % (most - least + 1);

/** A DISCOVER of a relay, its option 53 first, zeros behind its end. */
export function discover(index: number, options: readonly number[], length = 300): Uint8Array {
  const bytes = new Uint8Array(Math.max(length, 240 + options.length));
  const view = new DataView(bytes.buffer);
  bytes.set([1, 1, 6, 1]);
  view.setUint32(4, 0x7700_0000 + index);
  bytes.set([10, 77, 0, 2], 24);
  bytes.set([2, 0x77, 0, index >> 16, index >> 8, index], 28);
  bytes.set([0x63, 0x82, 0x53, 0x63, ...options], 236);
  return bytes;
}

/** The options of a DISCOVER. */
export const TYPE = [53, 1, 1, 255];

/** What a header may say, given the payload's length, and what comes of it. */
type Way = (length: number) => { lies: Lies; raw: Taken; udp: Taken; cut?: number };

/** Raw sockets take what came behind the UDP header; the kernel's UDP believes the headers, or nothing. */
const WAYS4: readonly Way[] = [
  (length) => ({ lies: {}, raw: length, udp: length }),
  // Behind the packet.
  (length) => {
    const trailer = between(1, 40);
    return { lies: { trailer }, raw: length + trailer, udp: length };
  },
  // UDP: shorter than its own header, that alone, shorter and longer than the frame.
  (length) => ({ lies: { udpLength: between(0, 8) }, raw: length, udp: null }),
  (length) => {
    const less = between(1, 50);
    return { lies: { udpLength: 8 + length - less }, raw: length, udp: length - less };
  },
  (length) => ({ lies: { udpLength: 8 + length + between(1, 200) }, raw: length, udp: null }),
  (length) => ({ lies: { udpLength: 0xffff }, raw: length, udp: null }),
  // IP: shorter than its own header, shorter and longer than the frame; both layers shorter.
  (length) => ({ lies: { ipLength: between(0, 19) }, raw: length, udp: null }),
  (length) => ({ lies: { ipLength: 28 + length - between(1, 50) }, raw: length, udp: null }),
  (length) => ({ lies: { ipLength: 28 + length + between(1, 200) }, raw: length, udp: null }),
  (length) => {
    const less = between(1, 50);
    const lies = { ipLength: 28 + length - less, udpLength: 8 + length - less };
    return { lies, raw: length, udp: length - less };
  },
  // IP options, which are none of DHCP's bytes; a header that says it has some, or is too short.
  (length) => ({ lies: { ipOptions: 4 * between(1, 10) }, raw: length, udp: length }),
  () => ({ lies: { headerWords: between(6, 15) }, raw: null, udp: null }),
  () => ({ lies: { headerWords: between(0, 4) }, raw: null, udp: null }),
  // Too short for Kea; its header and no cookie.
  () => ({ lies: {}, raw: null, udp: null, cut: between(1, 235) }),
  () => ({ lies: {}, raw: "other", udp: "other", cut: between(236, 239) }),
];

/** Frames for a DHCPv4 server, each way in its turn. */
export function wrongLengths4(count: number, ends: Ends): Sent[] {
  return Array.from({ length: count }, (_, index) => {
    const length = between(300, 600);
    const { lies, raw, udp, cut } = WAYS4[index % WAYS4.length]!(length);
    const payload = discover(index, TYPE, length).subarray(0, cut);
    return { frame: frame4(payload, ends, lies), raw, udp };
  });
}

const LINK = [0xfd, 0x77, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

const word = (value: number) => [value >> 8 & 0xff, value & 0xff];

/** An option of DHCPv6. */
export const option6 = (code: number, data: readonly number[]) => [
  ...[...word(code), ...word(data.length)],
  ...data,
];

/** A SOLICIT of a client of its own, its identifier behind other options. */
export function solicit(index: number, before: readonly number[] = []): number[] {
  const duid = [0, 3, 0, 1, 2, 0x77, 0, index >> 16 & 0xff, index >> 8 & 0xff, index & 0xff];
  return [
    ...[1, 0x77, ...word(index), ...before],
    ...[...option6(1, duid), ...option6(3, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])],
  ];
}

/** A message inside a relay, between options of the relay. */
export function relayed(
  message: readonly number[],
  before: readonly number[] = [],
  behind: readonly number[] = [],
): number[] {
  return [12, 0, ...LINK, ...LINK, ...before, ...option6(9, message), ...behind];
}

/** The kernel believes the headers, or takes nothing. */
const WAYS6: readonly ((length: number) => { lies: Lies; udp: Taken })[] = [
  (length) => ({ lies: {}, udp: length }),
  (length) => ({ lies: { trailer: between(1, 40) }, udp: length }),
  // A UDP length of 0 is a jumbo datagram's: all of it. Shorter than its own header, that alone.
  (length) => ({ lies: { udpLength: 0 }, udp: length }),
  () => ({ lies: { udpLength: between(1, 7) }, udp: null }),
  () => ({ lies: { udpLength: 8 }, udp: "other" }),
  (length) => {
    const less = between(1, 50);
    return { lies: { udpLength: 8 + length - less }, udp: length - less };
  },
  (length) => ({ lies: { udpLength: 8 + length + between(1, 200) }, udp: null }),
  (length) => ({ lies: { ipLength: 8 + length - between(1, 50) }, udp: null }),
  (length) => ({ lies: { ipLength: 8 + length + between(1, 200) }, udp: null }),
  (length) => {
    const less = between(1, 50);
    const both = 8 + length - less;
    return { lies: { ipLength: both, udpLength: both }, udp: length - less };
  },
];

/** Frames for a DHCPv6 server, each way in its turn; what is cut off are options of the relay. */
export function wrongLengths6(count: number, ends: Ends): Pick<Sent, "frame" | "udp">[] {
  return Array.from({ length: count }, (_, index) => {
    const filling = option6(65000, new Array<number>(between(60, 300)).fill(1));
    const payload = Uint8Array.from(relayed(solicit(index), [], filling));
    const { lies, udp } = WAYS6[index % WAYS6.length]!(payload.length);
    return { frame: frame6(payload, ends, lies), udp };
  });
}
