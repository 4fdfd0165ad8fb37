/**
 * Whether another process receives packets that are for a Kea.
 *
 * @module
 */

import {
  interfacesMeant,
  interfacesOf,
  type NetworkInterface,
} from "../../discovery/network_addresses.ts";
import { socketInodes } from "../../system/descriptors.ts";
import { notKnown, ofServer, ok, outputAt, problem, textOf } from "./check.ts";

/** A UDP socket of the DHCP port. */
export interface PortSocket {
  readonly address: string;
  /** The only interface from which it receives; null for all. */
  readonly device: string | null;
  readonly inode: string;
}

/** Addresses to which all clients on a link send. */
const FOR_ALL = ["255.255.255.255", "ff02::1:2", "ff05::1:3"];
const WILDCARDS = ["0.0.0.0", "::", "*"];

/** Others with a socket that the same packets reach. */
export const PORT_CHECK = ofServer("others on the port", async (server, facts) => {
  const { pid, family } = server;
  const port = family === 4 ? 67 : 547;
  const listed = await outputAt(server, "ss", "-H", "-u", "-a", "-n", "-e");
  if (listed === null || listed.code !== 0) {
    return notKnown(
      `port ${port}`,
      listed?.stderr.trim() || "there is no ss: apt-get install iproute2",
    );
  }
  const inodes = socketInodes(pid);
  const sockets = portSockets(listed.stdout, port);
  const others = sockets.filter(({ inode }) => !inodes.has(inode));
  if (others.length === 0) return ok("no one else");
  const hasOwn = others.length < sockets.length;
  const interfaces = facts.interfaces ?? await interfacesOf(pid, family);
  const configured = facts.configuration?.dhcp["interfaces-config"]?.interfaces ?? ["*"];
  const names = interfacesMeant(configured, interfaces).map(({ name }) => name);
  const ours = interfaces.filter(({ name, isUp }) => isUp && names.includes(name));
  const holders = await holdersOf(others);
  const inTheWay = others.filter((socket) => isInTheWay(socket, ours, hasOwn));
  const listOf = (some: readonly PortSocket[]) =>
    some.map((socket) => `${holders.get(socket.inode) ?? "another process"} on ${nameOf(socket)}`)
      .join(", ");
  if (inTheWay.length === 0) return ok(`${listOf(others)}: not where this server listens`);
  return problem(
    `${listOf(inTheWay)} uses port ${port} as well`,
    hasOwn
      ? "it may receive packets that are for this server"
      : "so this server could not open its own sockets",
    "stop it, or bind each to its own interface, then restart this server",
  );
});

/**
 * Parses `ss -H -u -a -n -e`.
 *
 * @returns the sockets of a port.
 */
export function portSockets(text: string, port: number): PortSocket[] {
  return text.split("\n").flatMap((line) => {
    const local = line.trim().split(/\s+/)[3];
    const match = /^\[?([^\]%]+)\]?(?:%([^:\]]+))?\]?:(\d+)$/.exec(local ?? "");
    const inode = /\bino:(\d+)/.exec(line)?.[1];
    if (match === null || inode === undefined || Number(match[3]) !== port) return [];
    return [{ address: match[1]!, device: match[2] ?? null, inode }];
  });
}

/**
 * Whether a socket receives packets for a server, or keeps the server from opening its own.
 *
 * @param ours interfaces on which the server should listen.
 * @param hasOwn whether the server has sockets of the port.
 */
export function isInTheWay(
  { address, device }: PortSocket,
  ours: readonly Pick<NetworkInterface, "name" | "addresses">[],
  hasOwn: boolean,
): boolean {
  if (device !== null && !ours.some(({ name }) => name === device)) {
    // A socket that is bound to all addresses keeps Kea from binding its own, on any interface.
    return WILDCARDS.includes(address) && !hasOwn;
  }
  return WILDCARDS.includes(address) || FOR_ALL.includes(address) ||
    ours.some(({ addresses }) => addresses.some((own) => own.address === address));
}

function nameOf({ address, device }: PortSocket): string {
  return device === null ? address : `${address} of ${device}`;
}

function inodesOf(pid: number): ReadonlySet<string> {
  try {
    return socketInodes(pid);
  } catch {
    // It has ended, has too many, or we may not read it.
    return new Set();
  }
}

/** Processes that hold sockets, by inode. */
async function holdersOf(sockets: readonly PortSocket[]): Promise<Map<string, string>> {
  const holders = new Map<string, string>();
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const inodes = inodesOf(Number(name));
    for (const { inode } of sockets) {
      if (!inodes.has(inode)) continue;
      holders.set(inode, `${(await textOf(`/proc/${name}/comm`))?.trim()} (process ${name})`);
    }
  }
  return holders;
}
