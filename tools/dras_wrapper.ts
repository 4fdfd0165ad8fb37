#!/usr/bin/env -S deno run --no-config -A
/**
 * Sends DHCP traffic to a server: with Infoblox's Dras client, or on Linux with Kea's perfdhcp.
 *
 * A single file without dependencies: copy it to the client's Mac or Linux machine, and run it there, as
 * root:
 *
 *   sudo deno run -A dras_wrapper.ts -d 192.168.1.10
 *
 * @module
 */

import { spawn, spawnSync } from "node:child_process";
import { lookup } from "node:dns/promises";
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { isIPv4, isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

/** The program that sends. */
export type Engine = "dras" | "perfdhcp";

/** What DHCPv6 clients may ask for, in perfdhcp's words. */
export const LEASE_TYPES = ["address-only", "prefix-only", "address-and-prefix"] as const;
export type LeaseType = typeof LEASE_TYPES[number];

/** What the user asked for; counts and rates are of exchanges, four packets each. */
export interface TrafficOptions {
  /**
   * Name or address of the server. To an IPv6 address perfdhcp sends as a relay does; `all` are the DHCPv6 servers on
   * the client's link.
   */
  readonly target: string;
  /** Null for the default of the system. */
  readonly interfaceName: string | null;
  readonly count: number;
  /** Exchanges per second. */
  readonly rate: number;
  /** Longest time, seconds; null for no limit. */
  readonly seconds: number | null;
  readonly scenario: string;
  /** What a client asks for; DHCPv4 has only addresses. */
  readonly leaseType: LeaseType;
  /** Null for the first that is found. */
  readonly engine: Engine | null;
  /** Null for the usual places. */
  readonly drasPath: string | null;
  /** Send much traffic, or to a public address. */
  readonly yes: boolean;
  /** More arguments for the engine, unchanged. */
  readonly engineArgs: readonly string[];
}

/** Traffic cannot be sent; `isUsage` when the options are wrong. */
export class TrafficError extends Error {
  override name = "TrafficError";
  readonly isUsage: boolean;

  constructor(message: string, isUsage = false) {
    super(message);
    this.isUsage = isUsage;
  }
}

/** Requests of one type of exchange that were sent, and how many of them were answered. */
export interface ExchangeCounts {
  readonly sent: number;
  readonly received: number;
}

/** The result of a run of the engine. */
export interface TrafficResult {
  readonly engine: Engine;
  readonly command: readonly string[];
  /** The engine's own exit status; 128 and more when a signal ended it. */
  readonly status: number;
  readonly signal: string | null;
  readonly seconds: number;
  /** By exchange, as perfdhcp reports; null for Dras, whose output has no documented form. */
  readonly exchanges: Readonly<Record<string, ExchangeCounts>> | null;
  /** Answers that perfdhcp could not match to a request; null for Dras. */
  readonly orphans: number | null;
  /** Answers without the address or prefix that perfdhcp expected; null for Dras. */
  readonly rejected: number | null;
  /** The last line that it printed. */
  readonly lastLine: string;
}

const HELP =
  `Usage: deno run -A dras_wrapper.ts -d <server> [options] [-- more arguments of the engine]

Sends DHCP traffic to a server: DHCPv4 with Infoblox's Dras if it is found, else (Linux) with Kea's
perfdhcp, DHCPv6 with perfdhcp. Copy this single file to the client's machine; it has no dependencies.

  -d, --server <address>      the server, an address or a name (needed); all: DHCPv6 servers on the link
  -n, --count <number>        exchanges (default 1000)
  -r, --rate <number>         exchanges per second (default 50)
  -t, --time <seconds>        longest time (default: no limit)
  -s, --scenario <name>       lease (default: DISCOVER to ACK), renew, release
  -e, --lease-type <type>     DHCPv6: address-only (default), prefix-only, address-and-prefix
  -i, --interface <name>      where to send (default: en0 on macOS, the route's on Linux)
      --engine <name>         dras or perfdhcp (default: dras if it is found)
      --dras <path>           where Dras is (default: PATH, /usr/local/bin, /opt/homebrew/bin)
      --dry-run               print the command, send nothing
      --json                  print only the result as JSON, on standard output
      --yes                   allow more than 1000 exchanges per second, or a public address
      --help

Dras is called as: dras -i <interface> -n <count> -r <rate> [-t <seconds>] -s <scenario> -d <server>.
Its options are not publicly documented: these are from the guide of the original project.
perfdhcp sends as a relay, but not with -d all. Its renew and release come with new leases, at half
the rate each.

Examples:
  sudo deno run -A dras_wrapper.ts -d 192.168.1.10
  sudo deno run -A dras_wrapper.ts -d 192.168.1.10 -i en1 -n 5000 -r 200
  deno run -A dras_wrapper.ts -d 192.168.1.10 --engine perfdhcp --dry-run
  sudo deno run -A dras_wrapper.ts -d all -i eth0 -e address-and-prefix

Exit status: the engine's own; 1 it cannot be started, 2 wrong usage, 124 it did not end in time.`;

const SCENARIOS = ["lease", "renew", "release"];

/** A higher rate, exchanges per second, and public addresses need --yes. */
const MOST_RATE = 1000;

/** How much longer than planned an engine may take, seconds. */
const PATIENCE = 30;

/** How much of the end of an engine's output is kept for the summary, characters. */
const KEPT_OUTPUT = 65_536;

/** The parsed command line. */
interface Parsed {
  readonly help: boolean;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly options: TrafficOptions;
}

/** Options of all commands that send traffic, for `parseArgs`. */
export const TRAFFIC_ARGUMENTS = {
  count: { type: "string", short: "n", default: "1000" },
  rate: { type: "string", short: "r", default: "50" },
  time: { type: "string", short: "t" },
  scenario: { type: "string", short: "s", default: "lease" },
  "lease-type": { type: "string", short: "e", default: LEASE_TYPES[0] },
  server: { type: "string", short: "d" },
  interface: { type: "string", short: "i" },
  engine: { type: "string" },
  dras: { type: "string" },
  yes: { type: "boolean", default: false },
} as const;

/** Reads a command line. */
function parse(args: readonly string[]): Parsed {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        ...TRAFFIC_ARGUMENTS,
        "dry-run": { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
      allowPositionals: true,
    });
    const behind = args.indexOf("--");
    const engineArgs = behind === -1 ? [] : args.slice(behind + 1);
    if (positionals.length > engineArgs.length) {
      throw new TrafficError(`Cannot use "${positionals[0]}": expected only options`, true);
    }
    if (values.server === undefined && !values.help) {
      throw new TrafficError("Cannot send without a server: give -d ADDRESS", true);
    }
    const { help, json, "dry-run": dryRun, "lease-type": leaseType, server = "127.0.0.1" } = values;
    const options = trafficOptions({ ...values, leaseType, server }, engineArgs);
    return { help, json, dryRun, options };
  } catch (error) {
    if (error instanceof TrafficError) throw error;
    const message = error instanceof Error ? error.message.split("\n")[0]! : String(error);
    throw new TrafficError(message, true);
  }
}

/**
 * Checks the options.
 *
 * @throws {TrafficError} in one line, for numbers that make no sense.
 */
export function trafficOptions(
  values: {
    readonly count: string;
    readonly rate: string;
    readonly time?: string | undefined;
    readonly scenario: string;
    readonly leaseType: string;
    readonly server: string;
    readonly interface?: string | undefined;
    readonly engine?: string | undefined;
    readonly dras?: string | undefined;
    readonly yes: boolean;
  },
  engineArgs: readonly string[] = [],
): TrafficOptions {
  const count = wholeNumber("-n", values.count);
  const rate = wholeNumber("-r", values.rate);
  const seconds = values.time === undefined ? null : wholeNumber("-t", values.time);
  if (seconds !== null && seconds < count / rate) {
    throw new TrafficError(
      `Cannot send ${count} exchanges at ${rate} per second in ${seconds} s, they take ` +
        `${Math.ceil(count / rate)}: give a longer -t, or fewer with -n`,
      true,
    );
  }
  const { engine } = values;
  if (engine !== undefined && engine !== "dras" && engine !== "perfdhcp") {
    throw new TrafficError(`Cannot use --engine ${engine}: expected dras or perfdhcp`, true);
  }
  if (engine === "perfdhcp" && values.dras !== undefined) {
    throw new TrafficError("Cannot use --dras with --engine perfdhcp: give one of them", true);
  }
  const leaseType = LEASE_TYPES.find((type) => type === values.leaseType);
  if (leaseType === undefined) {
    throw new TrafficError(
      `Cannot use -e "${values.leaseType}": expected one of ${LEASE_TYPES.join(", ")}`,
      true,
    );
  }
  return {
    target: values.server,
    interfaceName: values.interface ?? null,
    count,
    rate,
    seconds,
    scenario: values.scenario,
    leaseType,
    engine: values.dras === undefined ? engine ?? null : "dras",
    drasPath: values.dras ?? null,
    yes: values.yes,
    engineArgs,
  };
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= 1e9) return value;
  throw new TrafficError(
    `Cannot use ${option} "${text}": expected a whole number from 1 to 1000000000`,
    true,
  );
}

/** The DHCP family of a target: {@linkcode TrafficOptions.target}. */
export function familyOf(target: string): 4 | 6 {
  return target === ALL_SERVERS || target.includes(":") ? 6 : 4;
}

/** What to send, and where from. */
export interface TrafficCommand {
  readonly engine: Engine;
  readonly command: readonly string[];
  readonly interfaceName: string;
}

/**
 * Chooses the engine, and makes its command line.
 *
 * @param prefix runs the engine elsewhere, for instance in a network namespace.
 * @throws {TrafficError} when there is no engine, it cannot do the scenario, or `--yes` is needed.
 */
export async function trafficCommand(
  options: TrafficOptions,
  prefix: readonly string[] = [],
): Promise<TrafficCommand> {
  const { count, rate, seconds, scenario, leaseType, engineArgs } = options;
  const family = familyOf(options.target);
  if (family === 4 && leaseType !== "address-only") {
    throw new TrafficError(
      `Cannot ask for ${leaseType} with DHCPv4: give a DHCPv6 server with -d, or -d ${ALL_SERVERS}`,
      true,
    );
  }
  const address = await addressOf(options.target);
  if (!options.yes && rate > MOST_RATE) {
    throw new TrafficError(
      `Cannot send ${rate} exchanges per second without confirmation: add --yes`,
    );
  }
  if (!options.yes && !isPrivate(address)) {
    throw new TrafficError(
      `Cannot send to ${address}, which is not a private address, without confirmation: add --yes`,
    );
  }
  const { engine, path } = findEngine(options);
  const { interfaceName, source } = routeTo(address, options.interfaceName, prefix);
  // Behind a DHCPv6 relay, a server chooses the subnet by the relay's own address.
  const from = isRelay(options.target) ? source : interfaceName;
  if (interfaceName === undefined || from === undefined) {
    throw new TrafficError(`Cannot find a route to ${address}: give its interface with -i`);
  }
  if (engine === "dras") {
    const time = seconds === null ? [] : ["-t", String(seconds)];
    return {
      ...{ engine, interfaceName },
      command: [
        ...prefix,
        path,
        ...["-i", interfaceName, "-n", String(count), "-r", String(rate), ...time],
        ...["-s", scenario, "-d", options.target, ...engineArgs],
      ],
    };
  }
  const half = String(Math.max(1, Math.floor(rate / 2)));
  const extra: Record<string, readonly string[]> = {
    lease: [],
    renew: ["-f", half],
    release: ["-F", half],
  };
  if (extra[scenario] === undefined) {
    throw new TrafficError(
      `Cannot send "${scenario}" with perfdhcp, it can ${SCENARIOS.join(", ")}: ` +
        "choose one of them, or --engine dras, which gets the name unchanged",
    );
  }
  return {
    ...{ engine, interfaceName },
    command: [
      ...prefix,
      path,
      ...[`-${family}`, "-r", String(rate), "-n", String(count), "-R", String(count)],
      ...[...extra[scenario]!, ...(family === 4 ? [] : ["-e", leaseType])],
      // Wait a second for the last answers.
      ...["-W", "1000000", ...(seconds === null ? [] : ["-p", String(seconds)])],
      ...[...(isRelay(options.target) ? ["-A", "1"] : []), "-l", from],
      ...[...engineArgs, options.target === ALL_SERVERS ? ALL_SERVERS : address],
    ],
  };
}

/** The target that is all DHCPv6 servers on a client's link; perfdhcp's own word. */
export const ALL_SERVERS = "all";

/** Their multicast address: RFC 8415, 7.1. */
const ALL_SERVERS_ADDRESS = "ff02::1:2";

/** A DHCPv6 server ignores clients that send to its own address, but not relays: RFC 8415, 16. */
function isRelay(target: string): boolean {
  return familyOf(target) === 6 && target !== ALL_SERVERS;
}

async function addressOf(target: string): Promise<string> {
  if (isIPv4(target)) return target;
  if (target === ALL_SERVERS) return ALL_SERVERS_ADDRESS;
  if (isIPv6(target) && !/^f[ef]/i.test(target)) return target;
  if (/^[\d.]+$/.test(target) || target.includes(":")) {
    throw new TrafficError(
      `Cannot send to "${target}": expected an IPv4 address, a name, a global IPv6 address, or ` +
        `${ALL_SERVERS} for the DHCPv6 servers on the link`,
      true,
    );
  }
  try {
    return (await lookup(target, { family: 4 })).address;
  } catch {
    throw new TrafficError(`Cannot find the address of "${target}": check the name, or give one`);
  }
}

function isPrivate(address: string): boolean {
  // Unique local, the host itself, and its link.
  if (isIPv6(address)) return /^f[cd]|^::1$/i.test(address) || address === ALL_SERVERS_ADDRESS;
  const [a, b] = address.split(".").map(Number) as [number, number];
  return a === 10 || a === 127 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) ||
    (a === 169 && b === 254);
}

function findEngine(options: TrafficOptions): { readonly engine: Engine; readonly path: string } {
  const family = familyOf(options.target);
  if (family === 6 && options.engine === "dras") {
    throw new TrafficError(
      "Cannot send DHCPv6 with Dras, its options for that are not known: leave out --engine and --dras",
      true,
    );
  }
  if (family === 4 && options.engine !== "perfdhcp") {
    const path = options.drasPath ??
      findProgram("dras", ["/usr/local/bin", "/opt/homebrew/bin"]);
    if (path !== null && isProgram(path)) return { engine: "dras", path };
    if (options.drasPath !== null) {
      throw new TrafficError(
        `Cannot run "${options.drasPath}": it is not a program, give the path of dras`,
      );
    }
    if (options.engine === "dras") {
      throw new TrafficError(
        "Cannot find dras on PATH, in /usr/local/bin or /opt/homebrew/bin: install it, or give --dras PATH",
      );
    }
  }
  const path = process.platform === "linux"
    ? findProgram("perfdhcp", ["/usr/sbin", "/usr/local/sbin"])
    : null;
  if (path !== null) return { engine: "perfdhcp", path };
  if (family === 6) {
    throw new TrafficError(
      "Cannot find perfdhcp, which sends DHCPv6: on a Linux machine, apt-get install kea-admin brings it",
    );
  }
  throw new TrafficError(
    process.platform === "linux"
      ? "Cannot find dras or perfdhcp: apt-get install kea-admin brings perfdhcp"
      : "Cannot find dras on PATH, in /usr/local/bin or /opt/homebrew/bin: install it, or give --dras PATH",
  );
}

function findProgram(name: string, folders: readonly string[]): string | null {
  const all = [...(process.env["PATH"] ?? "").split(delimiter), ...folders];
  return all.filter((folder) => folder !== "").map((folder) => join(folder, name))
    .find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** How packets to an address leave this machine: by which interface, and with which address of it. */
function routeTo(
  address: string,
  named: string | null,
  prefix: readonly string[],
): { readonly interfaceName: string | undefined; readonly source: string | undefined } {
  if (process.platform === "darwin") return { interfaceName: named ?? "en0", source: undefined };
  const by = named === null ? [] : ["oif", named];
  const [program, ...args] = [...prefix, "ip", "-o", "route", "get", address, ...by];
  const route = spawnSync(program!, args, { encoding: "utf8" }).stdout ?? "";
  const after = (word: string) => new RegExp(` ${word} (\\S+)`).exec(route)?.[1];
  return { interfaceName: named ?? after("dev"), source: after("src") };
}

/**
 * Checks everything before anything is sent.
 *
 * @returns warnings, a line each.
 * @throws {TrafficError} when sending cannot work.
 */
export async function checkTraffic(
  options: TrafficOptions,
  interfaceName: string,
  prefix: readonly string[] = [],
): Promise<readonly string[]> {
  if (process.getuid?.() !== 0) {
    throw new TrafficError(
      `Cannot send as user ${process.getuid?.()}, expected root: sudo deno run -A dras_wrapper.ts ...`,
    );
  }
  const known = interfacesOf(prefix);
  if (!known.includes(interfaceName)) {
    throw new TrafficError(
      `Cannot send from "${interfaceName}", there is no such interface: give one of ` +
        `${known.join(", ")} with -i`,
    );
  }
  const target = await addressOf(options.target);
  // A multicast address has no meaning without its link. Servers answer there, too.
  const address = target === ALL_SERVERS_ADDRESS ? `${target}%${interfaceName}` : target;
  const answers = answersPing(address, prefix);
  if (answers === null) return ["there is no ping to check that the server is there: continuing"];
  if (answers) return [];
  if (isAbsent(address, prefix)) {
    throw new TrafficError(`Cannot reach ${address}, no machine answers: check the address`);
  }
  return [`${address} does not answer a ping, a firewall may be the reason: continuing`];
}

function interfacesOf(prefix: readonly string[]): string[] {
  if (prefix.length === 0 && !existsSync("/sys/class/net")) return Object.keys(networkInterfaces());
  const [program, ...args] = [...prefix, "ip", "-o", "link", "show"];
  const links = spawnSync(program!, args, { encoding: "utf8" }).stdout ?? "";
  return [...links.matchAll(/^\d+: ([^:@\s]+)/gm)].map(([, name]) => name!);
}

/** Null if there is no ping. */
function answersPing(address: string, prefix: readonly string[]): boolean | null {
  const ping = findProgram("ping", ["/sbin", "/bin", "/usr/bin"]);
  if (ping === null) return null;
  const wait = process.platform === "darwin" ? ["-t", "2"] : ["-W", "1"];
  const [program, ...args] = [...prefix, ping, "-c", "1", ...wait, address];
  return spawnSync(program!, args, { stdio: "ignore", timeout: 5000 }).status === 0;
}

/** Whether the neighbour table says that no machine on this link has the address. */
function isAbsent(address: string, prefix: readonly string[]): boolean {
  const [program, ...args] = process.platform === "darwin"
    ? ["arp", "-n", address]
    : [...prefix, "ip", "neigh", "show", address];
  const { stdout } = spawnSync(program!, args, { encoding: "utf8" });
  return /incomplete|FAILED/i.test(stdout ?? "");
}

/** What {@linkcode runTraffic} reports. */
export interface TrafficListener {
  /** Called with the engine's output, for people. */
  readonly print: (text: string) => void;
  /** Called once per second with the seconds that have passed, of about how many. */
  readonly progress: (seconds: number, of: number) => void;
  /** Called with the process id when the engine runs. */
  readonly onStart?: (pid: number) => void;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs the engine to its end. Signals to this process are passed on to it.
 *
 * @throws {TrafficError} when it cannot be started.
 */
export function runTraffic(
  options: TrafficOptions,
  engine: Engine,
  command: readonly string[],
  listener: TrafficListener,
): Promise<TrafficResult> {
  const startedAt = performance.now();
  const planned = options.seconds ?? options.count / options.rate;
  // It ends with this process, even if that is killed.
  const setpriv = process.platform === "linux" ? findProgram("setpriv", []) : null;
  const bound = setpriv === null ? [] : [setpriv, "--pdeathsig", "TERM", "--"];
  const [program, ...args] = [...bound, ...command];
  return new Promise((resolve, reject) => {
    const child = spawn(program!, args, {
      stdio: ["ignore", "pipe", "pipe"],
      // In its own process group, so that a terminal's ^C reaches it only once, from here.
      detached: true,
      env: { ...process.env, ...listener.env },
    });
    let kept = "";
    let isLate = false;
    // As a terminal does: to the engine and its children.
    const send = (signal: "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGKILL") => {
      try {
        process.kill(-child.pid!, signal);
      } catch {
        // It has ended.
      }
    };
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => {
        kept = (kept + text).slice(-KEPT_OUTPUT);
        listener.print(text);
      });
    }
    const elapsed = () => (performance.now() - startedAt) / 1000;
    const clock = setInterval(() => listener.progress(elapsed(), planned), 1000);
    const limit = setTimeout(() => {
      isLate = true;
      send("SIGINT");
      setTimeout(() => send("SIGKILL"), 3000).unref();
    }, (planned + PATIENCE) * 1000);
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
    const forward = signals.map((signal) => {
      const handle = () => send(signal);
      process.on(signal, handle);
      return () => process.off(signal, handle);
    });
    const settle = () => {
      clearInterval(clock);
      clearTimeout(limit);
      for (const remove of forward) remove();
    };
    child.once("spawn", () => listener.onStart?.(child.pid!));
    child.once("error", (error) => {
      settle();
      reject(new TrafficError(`Cannot start ${program}: ${error.message}`));
    });
    // A child that it leaves running may hold its output open for ever.
    child.once("exit", () =>
      setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, 1000).unref());
    child.once("close", (code, signal) => {
      settle();
      const report = engine === "perfdhcp" ? perfdhcpReport(kept) : null;
      resolve({
        engine,
        command,
        status: isLate ? 124 : code ?? 128 + (SIGNAL_NUMBERS[signal ?? ""] ?? 0),
        signal,
        seconds: elapsed(),
        exchanges: report?.exchanges ?? null,
        orphans: report?.orphans ?? null,
        rejected: report?.rejected ?? null,
        lastLine: kept.trim().split("\n").at(-1)!.trim(),
      });
    });
  });
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};

/** perfdhcp's report at its end, by type of exchange: "DISCOVER-OFFER", "REQUEST-ACK". */
export function perfdhcpReport(text: string): {
  readonly exchanges: Record<string, ExchangeCounts>;
  readonly orphans: number;
  readonly rejected: number;
} {
  const exchanges: Record<string, ExchangeCounts> = {};
  let [orphans, rejected] = [0, 0];
  for (const part of text.split("***Statistics for: ").slice(1)) {
    const number = (label: string) =>
      Number(new RegExp(`^${label}: (\\d+)`, "m").exec(part)?.[1] ?? 0);
    exchanges[part.slice(0, part.indexOf("*"))] = {
      sent: number("sent packets"),
      received: number("received packets"),
    };
    orphans += number("orphans");
    rejected += number("rejected leases");
  }
  return { exchanges, orphans, rejected };
}

/** A result in lines for people. */
export function trafficSummary(result: TrafficResult): string {
  const lines = Object.entries(result.exchanges ?? {}).map(([exchange, { sent, received }]) =>
    `${exchange}: ${sent} sent, ${received} answered, ${sent - received} not`
  );
  const how = result.status === 124
    ? "did not end in time and was stopped"
    : result.signal !== null
    ? `ended by ${result.signal}`
    : `ended with status ${result.status}`;
  lines.push(`${result.engine} ${how} after ${result.seconds.toFixed(1)} s`);
  return lines.join("\n");
}

/** A command, quoted for a shell. */
export function shellLine(command: readonly string[]): string {
  return command
    .map((word) => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)
    .join(" ");
}

async function main(): Promise<number> {
  const { help, json, dryRun, options } = parse(process.argv.slice(2));
  if (help) {
    console.log(HELP);
    return 0;
  }
  const { engine, command, interfaceName } = await trafficCommand(options);
  if (dryRun) {
    console.log(json ? JSON.stringify({ engine, command }) : shellLine(command));
    return 0;
  }
  for (const warning of await checkTraffic(options, interfaceName)) {
    console.error(`warning: ${warning}`);
  }
  console.error(`${options.count} exchanges at ${options.rate} per second: ${shellLine(command)}`);
  const isTerminal = process.stderr.isTTY === true;
  const result = await runTraffic(options, engine, command, {
    // The engine's output is for people; standard output is for the result.
    print: (text) => void process.stderr.write(text),
    progress: (seconds, of) => {
      if (isTerminal) process.stderr.write(`\r${seconds.toFixed(0)} of about ${of.toFixed(0)} s `);
    },
  });
  if (isTerminal) process.stderr.write("\r");
  if (json) console.log(JSON.stringify(result, null, 2));
  else console.log(trafficSummary(result));
  return result.status;
}

// Also if this file was copied and has another name.
if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof TrafficError)) throw error;
    console.error(`error: ${error.message}`);
    process.exitCode = error.isUsage ? 2 : 1;
  }
}
