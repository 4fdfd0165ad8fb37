/**
 * A client of its own on the link of other clients: does the server answer?
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { ofServer, ok, outputOf, problem, skipped } from "./check.ts";

/** Only when the person said so: it takes a lease and gives it back. */
export const ANSWER_CHECK = ofServer("answers a client", async (server, { probeFrom }) => {
  if (probeFrom === null) return skipped("no packet is sent without --probe");
  if (server.family === 6) return skipped("DHCPv4 alone so far");
  if (!server.sockets.includes("raw")) {
    return skipped("UDP sockets hear relays alone, a client without an address cannot ask them");
  }
  const answer = await exchange(probeFrom);
  if (answer === null) {
    return problem(
      "a DHCPDISCOVER from a new client got no DHCPOFFER",
      "other clients of that link get none either",
      "the problems above may say why; its log at DEBUG tells what became of the packet",
    );
  }
  const [first, ...others] = answer.servers;
  if (others.length > 0) {
    return problem(
      `${answer.servers.join(" and ")} both answered`,
      "clients take whichever is first: a second DHCP server is on the link",
      `find ${others.join(", ")} and stop it`,
    );
  }
  if (!answer.acknowledged) {
    return problem(
      `${first} offered ${answer.offered} and did not acknowledge it`,
      "clients see the server and get no lease: it may not be able to write it down",
      "look for errors in its log",
    );
  }
  return ok(`${first} gave ${answer.offered}, offered in ${answer.ms} ms; it was given back`);
});

/** What `dora_client.ts` prints. */
interface Answer {
  readonly servers: readonly string[];
  readonly offered: string;
  readonly ms: number;
  readonly acknowledged: boolean;
}

/**
 * One exchange of a client with a hardware address of its own, in a temporary network namespace that
 * hangs on the link of another.
 *
 * @param namespace a network namespace on the clients' side of the link.
 */
async function exchange(namespace: string): Promise<Answer | null> {
  const own = `kea-probe-${crypto.randomUUID().slice(0, 6)}`;
  const link = `kp${crypto.randomUUID().slice(0, 8)}`;
  const must = async (...command: string[]) => {
    const done = await outputOf(...command);
    if (done?.code === 0) return done.stdout;
    throw new Error(
      `Cannot set up a client in "${namespace}": ${done?.stderr.trim() || command.join(" ")}`,
    );
  };
  try {
    const links = await must("ip", "-n", namespace, "-o", "link", "show", "up");
    const device = [...links.matchAll(/^\d+: ([^:@\s]+)/gm)].map(([, name]) => name!)
      .find((name) => name !== "lo");
    if (device === undefined) throw new Error(`Cannot probe from "${namespace}": it has no link`);
    await must("ip", "netns", "add", own);
    const macvlan = ["type", "macvlan", "mode", "bridge"];
    await must(
      ...["ip", "-n", namespace, "link", "add", link, "link", device, "netns", own, ...macvlan],
    );
    await must("ip", "-n", own, "link", "set", link, "up");
    await must("ip", "-n", own, "route", "add", "default", "dev", link);
    const client = await must(
      ...["ip", "netns", "exec", own, Deno.execPath(), "run", "-A", "--no-config"],
      fileURLToPath(new URL("dora_client.ts", import.meta.url)),
    );
    return JSON.parse(client);
  } finally {
    await outputOf("ip", "netns", "delete", own);
  }
}
