/**
 * What the kernel says of sockets of a network namespace, as `ss -m` prints it: sock_diag(7), without another program.
 *
 * @module
 */

import { openAtOnce } from "./libc.ts";

/** Of a socket, include/uapi/linux/sock_diag.h. */
export interface SocketMemory {
  readonly inode: string;
  /** Memory of packets that wait to be read, bytes. */
  readonly queuedBytes: number;
  /** Packets that were dropped, since the socket was made. */
  readonly drops: number;
}

/** A kind of sockets. */
interface Kind {
  readonly request: Uint8Array<ArrayBuffer>;
  /** Where the inode is in an answer, its length without attributes, and the attribute with the memory; bytes. */
  readonly inodeAt: number;
  readonly length: number;
  readonly attribute: number;
}

/** include/linux/socket.h */
const [AF_INET, AF_INET6, AF_NETLINK, AF_PACKET] = [2, 10, 16, 17];
const [SOCK_RAW, SOCK_CLOEXEC, MSG_DONTWAIT, IPPROTO_UDP] = [3, 0o2000000, 0x40, 17];

/** include/uapi/linux/netlink.h and sock_diag.h */
const [NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, REQUEST_DUMP] = [4, 20, 0x301];
const [NLMSG_ERROR, NLMSG_DONE, HEADER] = [2, 3, 16];

/** Fields of `SK_MEMINFO`. */
const [RMEM_ALLOC, DROPS] = [0, 8];

/** Sockets that get whole frames: include/uapi/linux/packet_diag.h. */
function packet(): Kind {
  const request = new Uint8Array(20);
  const [PACKET_SHOW_MEMINFO, PACKET_DIAG_MEMINFO] = [0x10, 6];
  request[0] = AF_PACKET;
  new DataView(request.buffer).setUint32(8, PACKET_SHOW_MEMINFO, true);
  return { request: requestOf(request), inodeAt: 4, length: 16, attribute: PACKET_DIAG_MEMINFO };
}

/** UDP sockets of a port, in any state: include/uapi/linux/inet_diag.h. */
function udp(family: number, port: number): Kind {
  const request = new Uint8Array(56);
  const view = new DataView(request.buffer);
  const INET_DIAG_SKMEMINFO = 7;
  request.set([family, IPPROTO_UDP, 1 << (INET_DIAG_SKMEMINFO - 1)]);
  view.setUint32(4, 0xffffffff, true);
  view.setUint16(8, port);
  return { request: requestOf(request), inodeAt: 68, length: 72, attribute: INET_DIAG_SKMEMINFO };
}

/** The sockets at which DHCP arrives. */
const KINDS: Readonly<Record<"raw" | "udp", readonly Kind[]>> = {
  raw: [packet()],
  udp: [udp(AF_INET, 67), udp(AF_INET6, 547)],
};

function requestOf(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(HEADER + body.length);
  const view = new DataView(message.buffer);
  view.setUint32(0, message.length, true);
  view.setUint16(4, SOCK_DIAG_BY_FAMILY, true);
  view.setUint16(6, REQUEST_DUMP, true);
  message.set(body, HEADER);
  return message;
}

/** Who has more sockets at a port of DHCP is no server: any user may have, in a network namespace of its own. */
const MOST_SOCKETS = 16_384;

/** The largest piece of an answer, bytes. */
const answer = new Uint8Array(32 * 1024);

const CLONE_NEWNET = 0x40000000;

const library = open();

function open() {
  try {
    return Deno.dlopen("libc.so.6", {
      close: { parameters: ["i32"], result: "i32" },
      setns: { parameters: ["i32", "i32"], result: "i32" },
      socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
      send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
      recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
    }).symbols;
  } catch {
    return null;
  }
}

/**
 * The sockets of a kind in the network namespace of a process: all that get whole frames, or those of UDP at the
 * servers' ports of DHCP.
 *
 * @returns null if the process has ended, or the kernel does not say.
 */
export function dhcpSockets(pid: number, kind: "raw" | "udp"): SocketMemory[] | null {
  const socket = socketAt(pid);
  if (socket === null) return null;
  try {
    const found = KINDS[kind].map((each) => dump(socket, each));
    return found.includes(null) ? null : found.flatMap((sockets) => sockets!);
  } finally {
    library!.close(socket);
  }
}

/** A socket of netlink in the network namespace of a process; this thread is there for that moment alone. */
function socketAt(pid: number): number | null {
  if (library === null) return null;
  const own = openAtOnce("/proc/thread-self/ns/net");
  if (typeof own === "string") return null;
  using home = own;
  const servers = openAtOnce(`/proc/${pid}/ns/net`);
  if (typeof servers === "string") return null;
  using there = servers;
  // It is not left if it could not be entered again.
  const isThere = library.setns(home.fd, CLONE_NEWNET) === 0 &&
    library.setns(there.fd, CLONE_NEWNET) === 0;
  if (!isThere) return null;
  const socket = library.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (library.setns(home.fd, CLONE_NEWNET) !== 0) {
    throw new Error("Cannot leave a network namespace");
  }
  return socket < 0 ? null : socket;
}

/** Asks, and reads the whole answer, which the kernel makes while it is asked and read. */
function dump(socket: number, kind: Kind): SocketMemory[] | null {
  const { request } = kind;
  if (Number(library!.send(socket, request, BigInt(request.length), 0)) < 0) return null;
  const sockets: SocketMemory[] = [];
  for (;;) {
    const length = Number(library!.recv(socket, answer, BigInt(answer.length), MSG_DONTWAIT));
    if (length <= 0) return null;
    const isDone = readPiece(answer.subarray(0, length), kind, sockets);
    if (isDone === null || sockets.length > MOST_SOCKETS) return null;
    if (isDone) return sockets;
  }
}

/** Reads a piece of an answer; returns whether it is the last, null for an error. */
function readPiece(piece: Uint8Array, kind: Kind, sockets: SocketMemory[]): boolean | null {
  const view = new DataView(piece.buffer, piece.byteOffset, piece.length);
  for (let at = 0; at + HEADER <= piece.length;) {
    const [length, type] = [view.getUint32(at, true), view.getUint16(at + 4, true)];
    if (type === NLMSG_DONE) return true;
    if (type === NLMSG_ERROR || length < HEADER) return null;
    const body = at + HEADER;
    const memory = attributeAt(view, body + kind.length, at + length, kind.attribute);
    if (memory !== null) {
      const field = (number: number) => view.getUint32(memory + 4 * number, true);
      sockets.push({
        inode: String(view.getUint32(body + kind.inodeAt, true)),
        queuedBytes: field(RMEM_ALLOC),
        drops: field(DROPS),
      });
    }
    at += aligned(length);
  }
  return false;
}

/** Where the value of an attribute begins; null without one. */
function attributeAt(view: DataView, from: number, end: number, number: number): number | null {
  for (let at = from; at + 4 <= end;) {
    const [length, type] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    if (type === number) return at + 4;
    if (length < 4) return null;
    at += aligned(length);
  }
  return null;
}

const aligned = (length: number) => (length + 3) & ~3;
