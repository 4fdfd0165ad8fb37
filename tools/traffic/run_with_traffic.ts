/**
 * The work of `deno task run`: watches a server while traffic is sent to it, with a ledger of every packet.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { join } from "node:path";
import { say } from "../../system/command_line.ts";
import type { Traffic } from "../../metrics/capture.ts";
import { isAccounted, STATISTICS } from "../../metrics/kea_statistics.ts";
import { counterReader } from "../../discovery/control_channel.ts";
import { controlSocketsOf } from "../../discovery/configuration/server_configuration.ts";
import { chooseServer } from "../../discovery/servers.ts";
import type { Server } from "../../discovery/types.ts";
import { isRunning } from "../../system/proc.ts";
import { ClientDrops } from "./client_drops.ts";
import {
  ALL_SERVERS,
  checkTraffic,
  familyOf,
  runTraffic,
  trafficCommand,
  TrafficError,
  type TrafficOptions,
  type TrafficResult,
  trafficSummary,
} from "../dras_wrapper.ts";
import { copyLibraries, resting } from "../lab/perfdhcp.ts";
import { monitor, type MonitorOptions } from "../monitor/monitor.ts";
import { addressesOf, sendLine } from "./traffic_hint.ts";

/** Options of {@linkcode runWithTraffic}. */
export interface RunOptions extends
  Omit<
    MonitorOptions,
    "duration" | "expected" | "plan" | "hint" | "traffic" | "onReady" | "signal"
  > {
  /** Where to send; default: the server's own address. */
  readonly load: Omit<TrafficOptions, "target"> & { readonly target: string | null };
  /** Network namespace to send from. */
  readonly clientNetns: string | null;
}

/** Longest time for the last answers, milliseconds: a server may have been stopped for a while. */
const LAST_ANSWERS_MS = 15_000;

/** How long the last answers usually take, seconds: the client's wait and ours. */
const DRAIN_SECONDS = 2;

/** The most that the watch may outlast the planned traffic, seconds. */
const MAX_EXTRA_SECONDS = 60;

/**
 * Attaches all probes, sends, and stops after the last answer.
 *
 * @returns the exit status: that of the monitor, or 1 when the client failed.
 */
export async function runWithTraffic(options: RunOptions): Promise<number> {
  const { clientNetns, load: { target, ...load }, ...watching } = options;
  const server = await chooseServer(options.server);
  const { family } = server;
  // DHCPv6 clients know no address.
  const address = target ?? (family === 6 ? ALL_SERVERS : (await addressesOf(server))[0]);
  if (address === undefined) {
    throw new TrafficError("Cannot find the server's address: give it with -d");
  }
  if (familyOf(address) !== family) {
    const expected = family === 6
      ? `${ALL_SERVERS}, or an IPv6 address`
      : "an IPv4 address or a name";
    throw new TrafficError(
      `Cannot send to "${address}", the server is a kea-dhcp${family}: give ${expected} with -d`,
    );
  }
  const requested: TrafficOptions = { ...load, target: address };
  const prefix = clientNetns === null
    ? []
    : ["ip", "netns", "exec", clientNetns, ...resting(load.rate)];
  if (clientNetns !== null) requireNamespace(clientNetns);
  const { engine, command, interfaceName } = await trafficCommand(requested, prefix);
  if (engine === "perfdhcp" && clientNetns === null) {
    throw new TrafficError(
      "Cannot send from the server's own host, perfdhcp may need the port that Kea uses: give " +
        '--client-netns NAME, or watch with "deno task monitor" and type on another machine: ' +
        sendLine(address),
    );
  }
  for (const warning of await checkTraffic(requested, interfaceName, prefix)) {
    say(`warning: ${warning}`);
  }

  const seconds = Math.ceil(requested.seconds ?? requested.count / requested.rate);
  const stop = new AbortController();
  const ready = Promise.withResolvers<void>();
  let traffic: Pick<Traffic, "client" | "statistics"> = { client: null, statistics: null };
  const watched = monitor({
    ...watching,
    server: String(server.pid),
    duration: seconds + MAX_EXTRA_SECONDS,
    expected: seconds + DRAIN_SECONDS,
    plan: false,
    hint: false,
    signal: stop.signal,
    onReady: ready.resolve,
    traffic: () => Promise.resolve(traffic),
  });
  // If the monitor cannot start, its own error is shown.
  await Promise.race([ready.promise, watched]);
  let result: TrafficResult;
  try {
    const counters = await KeaCounters.open(server);
    const sent = await send(requested, engine, command);
    result = sent.result;
    const statistics = await counters?.untilQuiet() ?? await pause(1000, null);
    traffic = { client: clientOf(sent), statistics };
  } finally {
    stop.abort();
  }
  const status = await watched;
  say(trafficSummary(result));
  // 3: perfdhcp says that some exchanges were not completed; the ledger shows which.
  const isSent = result.status === 0 || (engine === "perfdhcp" && result.status === 3);
  if (isSent) return status;
  say(`error: ${engine} did not send everything: ${result.lastLine || "it printed nothing"}`);
  return 1;
}

function requireNamespace(name: string): void {
  if (existsSync(join("/run/netns", name)) && !name.includes("/")) return;
  throw new TrafficError(
    `Cannot send from the network namespace "${name}", there is none: ip netns list shows them`,
  );
}

/** What was sent, and what the client's kernel dropped. */
interface Sent {
  readonly result: TrafficResult;
  readonly dropped: number;
}

async function send(
  options: TrafficOptions,
  engine: TrafficResult["engine"],
  command: readonly string[],
): Promise<Sent> {
  const folder = await Deno.makeTempDir({ prefix: "kea-run-" });
  let drops: ClientDrops | null = null;
  try {
    const libraries = join(folder, "libraries");
    // Uprobes belong to files, and perfdhcp maps the same files as Kea.
    if (engine === "perfdhcp") await copyLibraries(libraries);
    const result = await runTraffic(options, engine, command, {
      print: () => {},
      progress: () => {},
      onStart: (pid) => drops = new ClientDrops(pid),
      ...(engine === "perfdhcp" ? { env: { LD_LIBRARY_PATH: libraries } } : {}),
    });
    return { result, dropped: (drops as ClientDrops | null)?.packets ?? 0 };
  } finally {
    (drops as ClientDrops | null)?.[Symbol.dispose]();
    await Deno.remove(folder, { recursive: true });
  }
}

/** The client's side of the ledger; null for an engine without a report. */
function clientOf({ result, dropped }: Sent): Traffic["client"] {
  if (result.exchanges === null) return null;
  // With renewals, perfdhcp also counts as orphans some answers that it then matches.
  const isPlain = Object.keys(result.exchanges).length === 2;
  const { engine, seconds, rejected } = result;
  let [sent, received] = [0, isPlain ? result.orphans ?? 0 : 0];
  for (const exchange of Object.values(result.exchanges)) {
    sent += exchange.sent;
    received += exchange.received;
  }
  return { engine, sent, received, ...rejected ? { rejected } : {}, dropped, seconds };
}

/** Kea's own counters since the start of the traffic. */
class KeaCounters {
  readonly #server: Server;
  readonly #read: () => Promise<Readonly<Record<string, number>>>;
  readonly #before: Readonly<Record<string, number>>;

  private constructor(
    server: Server,
    read: () => Promise<Readonly<Record<string, number>>>,
    before: Readonly<Record<string, number>>,
  ) {
    this.#server = server;
    this.#read = read;
    this.#before = before;
  }

  /** @returns null for a server without a control socket. */
  static async open(server: Server): Promise<KeaCounters | null> {
    try {
      const [socket] = await controlSocketsOf(server.pid);
      if (socket === undefined) return null;
      const read = await counterReader(socket, STATISTICS[server.family]);
      return new KeaCounters(server, read, await read());
    } catch {
      return null;
    }
  }

  /** Waits until the counters stop; returns how far each has increased, or null. */
  async untilQuiet(): Promise<Record<string, number> | null> {
    const limit = Date.now() + LAST_ANSWERS_MS;
    try {
      let now = await this.#read();
      for (let isQuiet = false; !isQuiet && Date.now() < limit;) {
        await pause(1000);
        const next = await this.#read();
        isQuiet = Object.keys(next).filter(isAccounted).every((name) => next[name] === now[name]);
        now = next;
      }
      // Another process starts at zero.
      if (!isRunning(this.#server.pid, this.#server.startTicks)) return null;
      const grown = Object.entries(now).filter(([name]) => isAccounted(name))
        .map(([name, value]) => [name, value - (this.#before[name] ?? 0)] as const);
      return grown.some(([, by]) => by < 0) ? null : Object.fromEntries(grown);
    } catch {
      return null;
    }
  }
}
