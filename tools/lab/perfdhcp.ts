/**
 * Traffic for a lab: Kea's own perfdhcp, bounded in number, rate and time.
 *
 * @module
 */

import { basename, join } from "node:path";
import { linesOf } from "../../system/lines.ts";
import { run, textOf } from "../../system/run.ts";
import { sendSignal } from "../../system/signals.ts";
import { type ExchangeCounts, perfdhcpReport } from "../dras_wrapper.ts";
import type { Lab } from "./lab.ts";
import { LabError } from "./lab_error.ts";

/** How much to send. */
export interface Load {
  /** Exchanges per second. */
  readonly rate: number;
  readonly exchanges: number;
  /** Different clients; each gets its own address. */
  readonly clients?: number;
  /** Seed of the clients' order. */
  readonly seed?: number;
  /** Longest time for an answer, seconds; the last ones are waited for half as long. Default: 10. */
  readonly patience?: number;
  /** More of perfdhcp's own options. */
  readonly args?: readonly string[];
  /** First hardware address; runs with different ones have different clients. */
  readonly base?: string;
  /** Stops it before its end. */
  readonly signal?: AbortSignal;
}

/** perfdhcp's report by exchange type: "DISCOVER-OFFER", "REQUEST-ACK". */
export type PerfdhcpReport = Readonly<Record<string, ExchangeCounts>>;

/** Runs a program whose timers may be so late, nanoseconds. */
const REST = 'echo "$1" > /proc/self/timerslack_ns; shift; exec "$@"';

/**
 * Before the command line of perfdhcp: it rests where it would look for something to do every 65 us, for a
 * quarter of a CPU. It sends up to three packets at a time, so that to look twice for each keeps the rate.
 *
 * @param rate exchanges per second.
 */
export function resting(rate: number): readonly string[] {
  return ["sh", "-c", REST, "sh", String(Math.round(Math.min(1e6, 1e9 / (2 * rate))))];
}

/**
 * Sends exchanges to a lab's server from its client namespace, and waits for the end.
 *
 * perfdhcp gets copies of Kea's libraries: uprobes belong to files, and it maps the same ones.
 *
 * @throws {LabError} when perfdhcp cannot run; lost exchanges are in the report, not an error.
 */
export async function runPerfdhcp(lab: Lab, load: Load): Promise<PerfdhcpReport> {
  const { rate, exchanges, clients = exchanges, seed = 1, base, patience = 10 } = load;
  const limit = Math.ceil(exchanges / rate) + 10 + patience;
  const child = new Deno.Command("ip", {
    args: [
      ...["netns", "exec", lab.clientNetns, ...resting(rate)],
      // On a busy machine it would catch up in bursts, and send more than it was asked for.
      ...["nice", "-n", "-20"],
      ...["setpriv", "--pdeathsig", "TERM", "--"],
      ...["timeout", "-s", "INT", String(limit)],
      ...["perfdhcp", `-${lab.family}`, "-r", String(rate)],
      ...["-n", String(exchanges), "-n", NEVER_REACHED, "-t", "1"],
      ...["-R", String(clients), "-s", String(seed)],
      ...(base === undefined ? [] : ["-b", `mac=${base}`]),
      // An answer that a busy machine gives late is an answer, and the last ones are waited for.
      ...["-d", String(patience), "-W", String(500_000 * patience)],
      ...["-l", lab.clientInterface, ...load.args ?? []],
      // DHCPv6 clients know no address: they ask all servers on their link.
      ...lab.family === 4 ? [lab.serverAddress] : [],
    ],
    env: { LD_LIBRARY_PATH: await librariesFor(lab) },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...load.signal === undefined ? {} : { signal: load.signal },
  }).spawn();
  const complaint = new Response(child.stderr).text();
  const lines: string[] = [];
  let isEnded = false;
  for await (const { text } of linesOf(child.stdout)) {
    lines.push(text);
    if (!isEnded && allAnswered(text, exchanges)) {
      isEnded = true;
      sendSignal(child, "SIGINT");
    }
  }
  const { code } = await child.status;
  // 3: some exchanges were not completed.
  if (code !== 0 && code !== 3) {
    throw new LabError(
      `Cannot send, perfdhcp ended with ${code}: ${(await complaint).trim().split("\n")[0]}`,
    );
  }
  return perfdhcpReport(lines.join("\n")).exchanges;
}

/**
 * The number of second exchanges that it is asked for. When it has sent all, perfdhcp ends with as many answers as it
 * was asked for packets, though on a busy machine it sends up to five more, and those are not answered yet.
 */
const NEVER_REACHED = "1000000000";

/** Whether a line with perfdhcp's counts so far, of both exchanges, says that all was sent and answered. */
function allAnswered(line: string, exchanges: number): boolean {
  const [first, ...others] =
    /^sent: (\d+)\/(\d+); received: (\d+)\/(\d+);/.exec(line)?.slice(1).map(Number) ?? [];
  return first !== undefined && first >= exchanges && others.every((each) => each === first);
}

const libraries = new WeakMap<Lab, Promise<string>>();

/** The folder of a lab's copies: made once, and complete before it is used. */
function librariesFor(lab: Lab): Promise<string> {
  const folder = libraries.get(lab) ?? copyLibraries(join(lab.directory, "perfdhcp-libraries"));
  libraries.set(lab, folder);
  return folder;
}

/** Copies the libraries that perfdhcp and Kea share into a new folder. */
export async function copyLibraries(folder: string): Promise<string> {
  await Deno.mkdir(folder);
  const libraries = textOf(await run(["ldd", "/usr/sbin/perfdhcp"]));
  const paths = libraries.matchAll(/=> (\/\S*\/lib(?:kea-|stdc\+\+)\S+)/g);
  for (const [, path] of paths) await Deno.copyFile(path!, join(folder, basename(path!)));
  return folder;
}
