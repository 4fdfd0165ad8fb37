/**
 * The network of a lab: a namespace for the server, one for its clients, and a link between them.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import { outputOf } from "../../system/run.ts";
import { ADDRESSES, ADDRESSES6 } from "./kea_configuration.ts";
import { LabError } from "./lab_error.ts";

/** Its names. */
export interface LabNetwork {
  readonly serverNetns: string;
  readonly serverInterface: string;
  readonly clientNetns: string;
  readonly clientInterface: string;
}

/** Longest time for the link to be up. */
const ROUTE_LIMIT_MS = 30_000;

/** Makes the namespaces and the link, and waits until it carries packets. */
export async function connect(
  { serverNetns, clientNetns, serverInterface, clientInterface }: LabNetwork,
): Promise<void> {
  await ip([], [`netns add ${serverNetns}`, `netns add ${clientNetns}`]);
  for (const netns of [serverNetns, clientNetns]) {
    // No other host can have these addresses, so do not wait a second for duplicates.
    const noWait = "echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad";
    await ip(["netns", "exec", netns, "sh", "-c", noWait]);
  }
  await ip([], [
    `link add ${serverInterface} netns ${serverNetns} type veth ` +
    `peer name ${clientInterface} netns ${clientNetns}`,
  ]);
  for (
    const [netns, link, side] of [
      [serverNetns, serverInterface, "server"],
      [clientNetns, clientInterface, "client"],
    ] as const
  ) {
    await ip(["-n", netns], [
      ...[ADDRESSES, ADDRESSES6].map((addresses) =>
        `address add ${addresses[side]}/${addresses.prefix} dev ${link}`
      ),
      ...[`link set ${link} up`, "link set lo up"],
    ]);
  }
  // A Kea that starts before opens no socket.
  await untilUp(clientNetns, ADDRESSES6.server);
  await untilUp(serverNetns, ADDRESSES6.client);
}

/**
 * Waits for the link of one side: IPv6 has its routes once the kernel has noticed that the other end is up, which a
 * busy machine delays.
 */
async function untilUp(netns: string, other: string): Promise<void> {
  const limit = Date.now() + ROUTE_LIMIT_MS;
  while (true) {
    try {
      return await ip(["-6", "-n", netns, "route", "get", other]);
    } catch (error) {
      if (Date.now() > limit) throw error;
      await pause(20);
    }
  }
}

/** Runs ip once; with commands, it takes them from its standard input. */
async function ip(args: readonly string[], commands: readonly string[] = []): Promise<void> {
  const all = commands.length === 0 ? args : [...args, "-batch", "-"];
  await outputOf(
    ["ip", ...all],
    (why) =>
      new LabError(
        `Cannot set up the lab's network, ip ${[...all, ...commands].join(" ")}: ${why}`,
      ),
    { input: commands.join("\n") },
  );
}
