/**
 * How to send traffic to a server from another machine.
 *
 * @module
 */

import { join } from "node:path";
import { configurationOf } from "../discovery/kea_configuration.ts";
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
  return interfacesMeant(configured, there).flatMap(({ name, address }) =>
    address !== null
      ? [address]
      : there.find((one) => one.name === name)?.addresses.map(({ address }) => address) ?? []
  );
}

/** Lines for people: what to type on the Mac. None for a server without an address. */
export async function trafficHint(server: Server): Promise<string[]> {
  const [address] = await addressesOf(server);
  if (address === undefined || server.family === 6) return [];
  const user = Deno.env.get("SUDO_USER") || "root";
  return [
    "To send traffic from a Mac or another machine with Deno, type there (--no-traffic hides this):",
    `  ${shellLine(["scp", `${user}@${address}:${WRAPPER}`, "."])}`,
    `  ${shellLine(["sudo", "deno", "run", "-A", "dras_wrapper.ts", "-d", address])}`,
  ];
}
