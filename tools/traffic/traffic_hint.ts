/**
 * How to send traffic to a server from another machine.
 *
 * @module
 */

import { isIP } from "node:net";
import { join } from "node:path";
import { configurationOf } from "../../discovery/configuration/server_configuration.ts";
import { DiscoveryError } from "../../discovery/discovery_error.ts";
import { interfacesMeant, interfacesOf } from "../../discovery/network_addresses.ts";
import type { Server } from "../../discovery/types.ts";
import { sharesNamespace } from "../../system/namespaces.ts";
import { ALL_SERVERS, shellLine } from "../dras_wrapper.ts";

const WRAPPER = join(import.meta.dirname!, "../dras_wrapper.ts");

/**
 * The addresses on which a server listens; those that fit its configuration come first.
 *
 * @throws {DiscoveryError} when its configuration cannot be read.
 */
export async function addressesOf(
  { pid, family }: Pick<Server, "pid" | "family">,
): Promise<string[]> {
  const there = await interfacesOf(pid, family);
  const { dhcp } = await configurationOf(pid, family);
  const configured = dhcp["interfaces-config"]?.interfaces ?? [];
  // The configuration may contain anything, and a user types this address.
  return interfacesMeant(configured, there).flatMap(({ name, addresses }) =>
    addresses.length > 0
      ? addresses
      : there.find((one) => one.name === name)?.addresses.map(({ address }) => address) ?? []
  ).filter((address) => isIP(address) !== 0);
}

/** The command to type on another machine to send to an address, or to all. */
export const sendLine = (address: string) =>
  shellLine(["sudo", "deno", "run", "-A", "dras_wrapper.ts", "-d", address]);

/**
 * Lines for people: what to type on the other machine. None for a server without an address. If the address is not
 * this host's, only a line that says so.
 */
export async function trafficHint(server: Server): Promise<string[]> {
  let addresses: string[];
  try {
    addresses = await addressesOf(server);
  } catch (error) {
    if (!(error instanceof DiscoveryError)) throw error;
    return [`Where to send traffic to is not known (--no-traffic hides this): ${error.message}`];
  }
  // Of the addresses of a link, a user would have to name the link as well.
  const address = addresses.find((one) => !/^fe[89ab]/i.test(one));
  if (address === undefined) return [];
  if (!await sharesNamespace(server.pid, "net")) {
    // No ssh server answers at this address, and few machines reach it.
    return [
      "The server has its own network (a container, a lab): send traffic from where " +
      `${address} can be reached (--no-traffic hides this)`,
    ];
  }
  const user = Deno.env.get("SUDO_USER") || "root";
  const [where, host, to] = server.family === 4
    ? ["a Mac or another machine with Deno", address, address]
    : ["a Linux machine with Deno on the server's link", `[${address}]`, ALL_SERVERS];
  return [
    `To send traffic from ${where}, type there (--no-traffic hides this):`,
    `  ${shellLine(["scp", `${user}@${host}:${WRAPPER}`, "."])}`,
    `  ${sendLine(to)}`,
  ];
}
