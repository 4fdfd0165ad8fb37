/**
 * How to send traffic to a server from another machine.
 *
 * @module
 */

import { isIPv4 } from "node:net";
import { join } from "node:path";
import { configurationOf } from "../discovery/configuration/server_configuration.ts";
import { interfacesMeant, interfacesOf } from "../discovery/network_addresses.ts";
import type { Server } from "../discovery/types.ts";
import { shellLine } from "./dras_wrapper.ts";

const WRAPPER = join(import.meta.dirname!, "dras_wrapper.ts");

/**
 * The addresses at which a server listens, the first that fits its configuration first; those of all
 * its interfaces where the configuration cannot be read.
 */
export async function addressesOf(
  { pid, family }: Pick<Server, "pid" | "family">,
): Promise<string[]> {
  const there = await interfacesOf(pid, family);
  const configured = await configurationOf(pid, family)
    .then(({ dhcp }) => dhcp["interfaces-config"]?.interfaces ?? [], () => ["*"]);
  return interfacesMeant(configured, there).flatMap(({ name, addresses }) =>
    addresses.length > 0
      ? addresses
      : there.find((one) => one.name === name)?.addresses.map(({ address }) => address) ?? []
  );
}

/** What to type on another machine to send to an address. */
export const sendLine = (address: string) =>
  shellLine(["sudo", "deno", "run", "-A", "dras_wrapper.ts", "-d", address]);

/**
 * Lines for people: what to type on the Mac. None for a server without an address; of one whose
 * address is not this host's, only that it is so.
 */
export async function trafficHint(server: Server): Promise<string[]> {
  const [address] = await addressesOf(server);
  if (address === undefined || server.family === 6) return [];
  // The configuration may name what it likes, and a person types it.
  if (!isIPv4(address)) return [];
  if (await hasOwnNetwork(server)) {
    // No ssh server answers at this address, and few machines reach it.
    return [
      "The server has a network of its own (a container, a lab): send traffic from where " +
      `${address} can be reached (--no-traffic hides this)`,
    ];
  }
  const user = Deno.env.get("SUDO_USER") || "root";
  return [
    "To send traffic from a Mac or another machine with Deno, type there (--no-traffic hides this):",
    `  ${shellLine(["scp", `${user}@${address}:${WRAPPER}`, "."])}`,
    `  ${sendLine(address)}`,
  ];
}

async function hasOwnNetwork({ pid }: Server): Promise<boolean> {
  const [theirs, ours] = await Promise.all(
    [`/proc/${pid}/ns/net`, "/proc/self/ns/net"].map((path) => Deno.readLink(path)),
  );
  return theirs !== ours;
}
