/**
 * Whether the server answers a test client on the clients' link.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { childEnvironment } from "../../system/run.ts";
import { ofServer, ok, outputHere, problem, skipped } from "./check.ts";

/** Only with --probe: it takes a lease and releases it. */
export const ANSWER_CHECK = ofServer("answers a client", async (server, { probeFrom }) => {
  if (probeFrom === null) return skipped("no packet is sent without --probe");
  if (server.family === 6) return skipped("only DHCPv4 so far");
  if (!server.sockets.includes("raw")) {
    return skipped("UDP sockets hear only relays, not a client without an address");
  }
  const answer = await exchange(probeFrom);
  if (answer === null) {
    return problem(
      "a DHCPDISCOVER from a new client got no DHCPOFFER",
      "other clients on that link probably get none either",
      "the problems above may say why; Kea's log at DEBUG shows what happened to the packet",
    );
  }
  const [first, ...others] = answer.servers;
  if (others.length > 0) {
    return problem(
      `${answer.servers.join(" and ")} both answered`,
      "there is a second DHCP server on the link, and clients take the first answer",
      `find ${others.join(", ")} and stop it`,
    );
  }
  if (!answer.acknowledged) {
    return problem(
      `${first} offered ${answer.offered} and did not acknowledge it`,
      "clients get an offer but no lease: the server may not be able to store it",
      "look for errors in its log",
    );
  }
  return ok(`${first} gave ${answer.offered}, offered in ${answer.ms} ms; it was released`);
});

/** What `dora_client.ts` prints. */
interface ExchangeResult {
  readonly servers: readonly string[];
  readonly offered: string;
  readonly ms: number;
  readonly acknowledged: boolean;
}

/** Waits for its link, brings it up and starts the client. */
const CLIENT = `echo ready; read -r link && ip link set "$link" up &&
  ip route add default dev "$link" && exec "$@"`;

/** Longest time for the client, milliseconds. */
const CLIENT_LIMIT_MS = 20_000;

/**
 * One exchange of a client with its own hardware address, in a new network namespace on the link of another
 * one. The namespace vanishes with the client, and the client ends with this process.
 *
 * @param namespace a network namespace on the clients' side of the link.
 */
async function exchange(namespace: string): Promise<ExchangeResult | null> {
  const link = `kp${crypto.randomUUID().slice(0, 8)}`;
  const must = async (...command: [string, ...string[]]) => {
    const done = await outputHere(...command);
    if (done?.code === 0) return done.stdout;
    throw new Error(
      `Cannot set up a client in "${namespace}": ${done?.stderr.trim() || command.join(" ")}`,
    );
  };
  const links = await must("ip", "-n", namespace, "-o", "link", "show", "up");
  const device = [...links.matchAll(/^\d+: ([^:@\s]+)/gm)].map(([, name]) => name!)
    .find((name) => name !== "lo");
  if (device === undefined) throw new Error(`Cannot probe from "${namespace}": it has no link`);
  const child = new Deno.Command("setpriv", {
    args: [
      ...["--pdeathsig", "KILL", "--", "unshare", "--net", "--", "sh", "-c", CLIENT, "sh"],
      ...[Deno.execPath(), "run", "-A", "--no-config"],
      fileURLToPath(new URL("dora_client.ts", import.meta.url)),
    ],
    clearEnv: true,
    env: childEnvironment(),
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const limit = setTimeout(() => child.kill("SIGKILL"), CLIENT_LIMIT_MS);
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const stdin = child.stdin.getWriter();
  try {
    // Once it has printed a line, it is in the namespace that gets the link.
    await output.read();
    await must(
      ...["ip", "-n", namespace, "link", "add", link, "link", device] as const,
      ...["netns", String(child.pid), "type", "macvlan", "mode", "bridge"],
    );
    await stdin.write(new TextEncoder().encode(`${link}\n`));
    let answer = "";
    for (let next = await output.read(); !next.done; next = await output.read()) {
      answer += next.value;
    }
    return JSON.parse(answer);
  } finally {
    clearTimeout(limit);
    await stdin.close().catch(() => {});
    await output.cancel();
    await child.status;
  }
}
