/**
 * Interfaces and addresses of a process's network namespace.
 *
 * @module
 */

import { runAtNetworkOf } from "../system/network_namespace.ts";
import { textOf } from "../system/run.ts";
import type { Family } from "./types.ts";

/** Longest time for a list of interfaces, milliseconds. */
const LIMIT_MS = 10_000;

/** An interface. */
export interface NetworkInterface {
  /** The kernel's number of it in its namespace. */
  readonly index: number;
  readonly name: string;
  readonly isUp: boolean;
  readonly mtu: number;
  /** Kind of a virtual link: "veth", "bridge", ...; null for hardware. */
  readonly kind: string | null;
  readonly addresses: readonly { readonly address: string; readonly prefix: number }[];
  /** Received packets that the kernel dropped. */
  readonly dropped: number;
}

interface LinkJson {
  readonly ifindex: number;
  readonly ifname: string;
  readonly operstate?: string;
  readonly flags?: readonly string[];
  readonly mtu?: number;
  readonly linkinfo?: { readonly info_kind?: string };
  readonly stats64?: { readonly rx?: { readonly dropped?: number } };
  readonly addr_info?: readonly {
    readonly family: string;
    readonly local: string;
    readonly prefixlen: number;
    readonly scope?: string;
  }[];
}

/** Interfaces of a process's network namespace, with their addresses of one family. */
export async function interfacesOf(pid: number, family: Family): Promise<NetworkInterface[]> {
  const text = textOf(
    await runAtNetworkOf(pid, ["ip", "-d", "-s", "-j", "address", "show"], { limitMs: LIMIT_MS }),
  );
  const links = (text.trim() === "" ? [] : JSON.parse(text)) as LinkJson[];
  // Some versions of ip print empty objects for hidden interfaces.
  return links.filter(({ ifname }) => ifname !== undefined).map((link) => ({
    index: link.ifindex,
    name: link.ifname,
    isUp: (link.flags ?? []).includes("UP") && link.operstate !== "DOWN",
    mtu: link.mtu ?? 0,
    kind: link.linkinfo?.info_kind ?? null,
    addresses: (link.addr_info ?? [])
      .filter((one) => one.family === (family === 4 ? "inet" : "inet6"))
      .map(({ local, prefixlen }) => ({ address: local, prefix: prefixlen })),
    dropped: link.stats64?.rx?.dropped ?? 0,
  }));
}

/** An interface of a configuration. */
export interface MeantInterface {
  readonly name: string;
  /** The named addresses; none for all addresses of the interface. */
  readonly addresses: readonly string[];
}

/**
 * The interfaces of a configuration, each once: `*` for all but loopback, `eth0`, `eth0/10.0.0.1`. DHCPv6
 * servers that relays reach by unicast name both of the latter.
 */
export function interfacesMeant(
  configured: readonly string[],
  there: readonly NetworkInterface[],
): MeantInterface[] {
  const meant = new Map<string, Set<string>>();
  for (const entry of configured) {
    const [named, address] = entry.split("/") as [string, string?];
    const names = named === "*"
      ? there.map(({ name }) => name).filter((name) => name !== "lo")
      : [named];
    for (const name of names) {
      const addresses = meant.get(name) ?? new Set();
      if (address !== undefined) addresses.add(address);
      meant.set(name, addresses);
    }
  }
  return Array.from(meant, ([name, addresses]) => ({ name, addresses: [...addresses] }));
}
