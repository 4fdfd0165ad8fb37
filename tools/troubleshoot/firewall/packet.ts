/**
 * The packets that a DHCP server lives by, as a firewall sees them.
 *
 * @module
 */

import { subnetsIn } from "../../../discovery/configuration/dhcp_configuration.ts";
import type { DhcpConfiguration } from "../../../discovery/configuration/dhcp_configuration.ts";
import { interfacesMeant, type NetworkInterface } from "../../../discovery/network_addresses.ts";
import { matchesAddress } from "./addresses.ts";
import type { Family } from "../../../metrics/dhcp.ts";

/** A UDP packet; null is what is not known of it. */
export interface Packet {
  /** For people: "a relay's request to 10.0.0.1". */
  readonly what: string;
  readonly family: Family;
  readonly direction: "in" | "out";
  /** Hooks of nftables that it passes, but those at the link. */
  readonly hooks: readonly string[];
  readonly linkHook: "ingress" | "egress";
  readonly device: string | null;
  readonly isBridge: boolean;
  readonly source: string | null;
  readonly destination: string | null;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** What connection tracking may call it. */
  readonly states: readonly ("new" | "established")[];
  /** The kernel's kind of its destination. */
  readonly destinationType: "local" | "unicast" | "multicast";
  /** Whether its source is of the link on which it comes. */
  readonly isSourceOnLink: boolean;
}

const IN = { direction: "in", hooks: ["prerouting", "input"], linkHook: "ingress" } as const;
const OUT = { direction: "out", hooks: ["output", "postrouting"], linkHook: "egress" } as const;

/** More relays than these are alike. */
const MOST_RELAYS = 32;

/** An address of a client's own on its link. */
const CLIENT6 = "fe80::1234:56ff:fe78:9abc";

/**
 * Requests that must reach the UDP sockets of a server, and the answers that must leave it.
 *
 * @param interfaces those of the server's namespace.
 */
export function packetsOf(
  family: Family,
  dhcp: DhcpConfiguration,
  interfaces: readonly NetworkInterface[],
): Packet[] {
  const meant = interfacesMeant(dhcp["interfaces-config"]?.interfaces ?? [], interfaces);
  const links = meant.flatMap((one) => {
    const found = interfaces.find(({ name, isUp }) => name === one.name && isUp);
    return found === undefined ? [] : [{ ...found, unicast: one.addresses }];
  });
  const named = subnetsIn(dhcp, family).flatMap(({ relay }) => relay?.["ip-addresses"] ?? []);
  const relays: (string | null)[] = [...new Set(named)].slice(0, MOST_RELAYS);
  if (family === 4) {
    const serving = links.filter(({ addresses }) => addresses.length > 0);
    return (relays.length === 0 ? [null] : relays).flatMap((relay) => {
      const near = serving.filter((link) => relay !== null && isOn(link, relay));
      return (near.length > 0 ? near : serving).flatMap((link) =>
        // Where several could be the way to a relay, its packets may come by any.
        ofRelay(link, near.length > 0 || serving.length === 1, relay, link.addresses[0]!.address)
      );
    });
  }
  return links.flatMap((link) => [
    ...ofClient6(link),
    ...link.unicast.flatMap((address) =>
      (relays.length === 0 ? [null] : relays).flatMap((relay) =>
        ofRelay(link, links.length === 1 || (relay !== null && isOn(link, relay)), relay, address)
      )
    ),
  ]);
}

function isOn({ addresses }: NetworkInterface, address: string): boolean {
  return addresses.some((own) => matchesAddress(`${own.address}/${own.prefix}`, address) === true);
}

/** A relay's request and the answer to it. */
function ofRelay(
  link: NetworkInterface,
  isItsWay: boolean,
  relay: string | null,
  server: string,
): Packet[] {
  const family = server.includes(":") ? 6 : 4;
  const port = family === 4 ? 67 : 547;
  const who = relay === null ? "a relay" : `relay ${relay}`;
  const common = {
    family,
    device: isItsWay ? link.name : null,
    isBridge: link.kind === "bridge",
    sourcePort: port,
    destinationPort: port,
    isSourceOnLink: relay !== null && isOn(link, relay),
  } as const;
  return [
    {
      ...common,
      ...IN,
      what: `a request of ${who} to ${server}`,
      source: relay,
      destination: server,
      states: ["new"],
      destinationType: "local",
    },
    {
      ...common,
      ...OUT,
      what: `the answer from ${server} to ${who}`,
      source: server,
      destination: relay,
      // A relay need not send from the address to which it is answered.
      states: ["new", "established"],
      destinationType: "unicast",
    },
  ];
}

/** A DHCPv6 client's request to all servers of its link, and the answer to it. */
function ofClient6(link: NetworkInterface): Packet[] {
  const own = link.addresses.find(({ address }) => address.startsWith("fe80:"))?.address ?? null;
  const common = {
    family: 6,
    device: link.name,
    isBridge: link.kind === "bridge",
    // Connection tracking takes the answer to a multicast for something new.
    states: ["new"],
    isSourceOnLink: true,
  } as const;
  return [
    {
      ...common,
      ...IN,
      what: `a client's request on ${link.name}`,
      source: CLIENT6,
      destination: "ff02::1:2",
      sourcePort: 546,
      destinationPort: 547,
      destinationType: "multicast",
    },
    {
      ...common,
      ...OUT,
      what: `the answer to a client on ${link.name}`,
      source: own,
      destination: CLIENT6,
      sourcePort: 547,
      destinationPort: 546,
      destinationType: "unicast",
    },
  ];
}
