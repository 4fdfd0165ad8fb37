/**
 * A real Kea and a place for its clients, in network namespaces of one machine.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ADDRESSES, ADDRESSES6, type HookLibrary, keaConfiguration } from "./kea_configuration.ts";
import { type Backend, createDatabase, type Database, startDatabase } from "./database.ts";
import { type Bpftrace, findBpftrace } from "../../probes/bpftrace.ts";
import { ensureSuite, suiteCommand, type SuiteName } from "./debian_suites.ts";
import { clear, clearLeftovers, type LabState, remember } from "./leftovers.ts";
import { LabError } from "./lab_error.ts";
import { processNamespace } from "../../system/namespaces.ts";
import { statOf } from "../../system/proc.ts";
import { outputOf, run, textOf } from "../../system/run.ts";
import type { Family, SocketKind } from "../../metrics/dhcp.ts";

/** Which Kea: this machine's, or that of a newer Debian suite in the cache. */
export const KEAS = { "2.2": null, "2.6": "trixie", "newest": "sid" } as const satisfies Readonly<
  Record<string, SuiteName | null>
>;

/** Options of a lab. */
export interface LabOptions {
  /** DHCP family; 4 without it. */
  readonly family?: Family;
  readonly kea?: keyof typeof KEAS;
  readonly sockets?: SocketKind;
  /** Worker threads of the server; 0 for a single-threaded one. */
  readonly threads?: number;
  readonly hooks?: readonly HookLibrary[];
  /** Where it keeps its leases; default: memfile. */
  readonly backend?: Backend;
  /** The server's executable; default: the installed kea-dhcp4. */
  readonly program?: string;
  /** Whether the server has its own process namespace, as in a container. */
  readonly ownProcessIds?: boolean;
  /** Folder of libraries that the server loads instead of the installed ones. */
  readonly libraries?: string;
}

/** The bpftrace that comes with a Kea: that of the same Debian suite. */
export async function bpftraceOf(kea: keyof typeof KEAS): Promise<Bpftrace> {
  const suite = KEAS[kea];
  if (suite === null) return await findBpftrace();
  return await findBpftrace(suiteCommand(await ensureSuite(suite), ["bpftrace"]));
}

/** A running lab. Disposing removes everything. */
export interface Lab extends AsyncDisposable {
  readonly pid: number;
  readonly family: Family;
  readonly clientNetns: string;
  readonly clientInterface: string;
  readonly serverNetns: string;
  readonly serverInterface: string;
  readonly serverAddress: string;
  readonly log: string;
  readonly controlSocket: string;
  readonly directory: string;
  /** Its database; null with memfile. */
  readonly database: LabDatabase | null;
  /** Starts the server again after it ended, with the same configuration. */
  restart(): Promise<number>;
}

/** The database of a lab. */
export interface LabDatabase {
  /** Runs SQL: see {@linkcode Database.sql}. */
  sql(text: string): Promise<string>;
  /** Stops it, as an administrator would; its data stay. */
  stop(): Promise<void>;
  /** Starts it again. */
  start(): Promise<void>;
}

/** Longest time for a server to start. */
const START_LIMIT_MS = 15_000;

/** Longest time for the link to be up. */
const ROUTE_LIMIT_MS = 5000;

/**
 * Sets up a lab: two network namespaces, a veth pair between them, and a Kea DHCP server.
 *
 * First removes what earlier labs left behind because they were killed.
 *
 * @throws {LabError} when a part does not start; nothing is left behind.
 */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  if (Deno.uid() !== 0) {
    throw new LabError(`Cannot set up a lab as user ${Deno.uid()}, expected root: use sudo`);
  }
  await clearLeftovers();
  const name = `kea-lab-${crypto.randomUUID().slice(0, 8)}`;
  const [serverNetns, clientNetns] = [`${name}-s`, `${name}-c`];
  const [serverInterface, clientInterface] = ["lab-server", "lab-client"];
  const directory = join(tmpdir(), name);
  let state: LabState = {
    owner: Deno.pid,
    ownerStartTicks: (await statOf(Deno.pid))!.startTicks,
    processNamespace: await processNamespace(),
    namespaces: [serverNetns, clientNetns],
    directory,
    processes: [],
  };
  const children: Deno.ChildProcess[] = [];
  await remember(name, state);
  const takeDown = async () => {
    await clear(name, state);
    await Promise.all(children.map((child) => child.status));
  };
  const recordPid = async (pid: number) => {
    const stat = await statOf(pid);
    if (stat === null) return;
    state = { ...state, processes: [...state.processes, [pid, stat.startTicks]] };
    await remember(name, state);
  };
  const track = async (child: Deno.ChildProcess) => {
    children.push(child);
    await recordPid(child.pid);
  };
  const suite = KEAS[options.kea ?? "2.2"];
  const { family = 4, sockets = "raw", threads = 2, backend = "memfile" } = options;
  let database: Database | null = null;
  const program = options.program ?? programPath(`kea-dhcp${family}`);
  const startServer = async () => {
    const contained = options.ownProcessIds
      ? ["unshare", "--pid", "--fork", "--kill-child=TERM", "--"]
      : [];
    const argv = [...contained, program, "-c", join(directory, "kea.json")];
    const child = await startKea(
      suite === null ? argv : suiteCommand(await ensureSuite(suite), argv, [directory]),
      serverNetns,
      directory,
      {
        ...database?.environment,
        ...(options.libraries === undefined ? {} : { LD_LIBRARY_PATH: options.libraries }),
      },
    );
    await track(child);
    await untilServing(child, directory);
    if (!options.ownProcessIds) return child.pid;
    // Its process id on this machine; in its own namespace it is process 1.
    const children = await Deno.readTextFile(`/proc/${child.pid}/task/${child.pid}/children`);
    await recordPid(Number(children.trim()));
    return Number(children.trim());
  };

  try {
    // Newer Keas require this of the folder of a control socket. It is root's, so only root's.
    await Deno.mkdir(directory, { mode: 0o750 });
    await connect(serverNetns, serverInterface, clientNetns, clientInterface);
    if (backend !== "memfile") {
      const root = suite === null ? "" : (await ensureSuite(suite)).root;
      database = await createDatabase(
        { backend, directory, scripts: `${root}/usr/share/kea/scripts` },
        track,
      );
    }
    const settings = {
      family,
      sockets,
      threads,
      hooks: [
        ...options.hooks ?? [],
        // Before 3.0 these were part of Kea.
        ...(options.kea === "newest" && backend !== "memfile"
          ? [{ path: `libdhcp_${backend === "mariadb" ? "mysql" : "pgsql"}.so` }]
          : []),
      ],
      interfaceName: serverInterface,
      directory,
      hasSocketList: await hasSocketList(
        suite === null ? [program, "-v"] : suiteCommand(await ensureSuite(suite), [program, "-v"]),
      ),
      ...(database === null ? {} : { leases: database.access }),
    };
    await Deno.writeTextFile(
      join(directory, "kea.json"),
      JSON.stringify(keaConfiguration(settings), null, 2),
    );
    let pid = await startServer();
    return {
      get pid() {
        return pid;
      },
      family,
      clientNetns,
      clientInterface,
      serverNetns,
      serverInterface,
      serverAddress: (family === 4 ? ADDRESSES : ADDRESSES6).server,
      log: join(directory, "kea.log"),
      controlSocket: join(directory, "control"),
      directory,
      database: database && {
        sql: database.sql,
        stop: () => database!.stop(),
        start: async () => {
          if (backend === "memfile") return;
          database = await startDatabase({ backend, directory }, track);
        },
      },
      restart: async () => pid = await startServer(),
      [Symbol.asyncDispose]: takeDown,
    };
  } catch (error) {
    await takeDown();
    throw error;
  }
}

/** Whether a Kea accepts a list of control sockets: 2.7.2 and later do. */
async function hasSocketList(command: readonly [string, ...string[]]): Promise<boolean> {
  const [major, minor, patch] = textOf(await run(command)).split(".").map(Number);
  return major! * 10_000 + minor! * 100 + patch! >= 20_702;
}

async function connect(
  serverNetns: string,
  serverInterface: string,
  clientNetns: string,
  clientInterface: string,
): Promise<void> {
  await ip("netns", "add", serverNetns);
  await ip("netns", "add", clientNetns);
  for (const netns of [serverNetns, clientNetns]) {
    // No other host can have these addresses, so do not wait a second for duplicates.
    const noWait = "echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad";
    await ip("netns", "exec", netns, "sh", "-c", noWait);
  }
  await ip(
    ...["link", "add", serverInterface, "netns", serverNetns, "type", "veth"],
    ...["peer", "name", clientInterface, "netns", clientNetns],
  );
  for (
    const [netns, link, side] of [
      [serverNetns, serverInterface, "server"],
      [clientNetns, clientInterface, "client"],
    ] as const
  ) {
    for (const addresses of [ADDRESSES, ADDRESSES6]) {
      await ip(
        "-n",
        netns,
        "address",
        "add",
        `${addresses[side]}/${addresses.prefix}`,
        "dev",
        link,
      );
    }
    await ip("-n", netns, "link", "set", link, "up");
    await ip("-n", netns, "link", "set", "lo", "up");
  }
  // IPv6 has its routes once the kernel has noticed that the other end is up, which may be delayed.
  const limit = Date.now() + ROUTE_LIMIT_MS;
  while (true) {
    try {
      return await ip("-6", "-n", clientNetns, "route", "get", ADDRESSES6.server);
    } catch (error) {
      if (Date.now() > limit) throw error;
      await pause(20);
    }
  }
}

/** Starts Kea so that it ends with this process, with its output in the lab's folder. */
async function startKea(
  argv: readonly string[],
  netns: string,
  directory: string,
  environment: Readonly<Record<string, string>>,
): Promise<Deno.ChildProcess> {
  // A new log shows when this start is done.
  await Deno.remove(join(directory, "kea.log")).catch(() => {});
  return new Deno.Command("ip", {
    // `ip netns exec` and setpriv replace themselves with the next program, so the child is Kea.
    args: [
      ...["netns", "exec", netns, "setpriv", "--pdeathsig", "TERM", "--", ...argv],
    ],
    env: {
      KEA_PIDFILE_DIR: directory,
      KEA_LOCKFILE_DIR: directory,
      // Kea 3 logs only to this folder.
      KEA_DHCP_DATA_DIR: directory,
      KEA_LOG_FILE_DIR: directory,
      KEA_CONTROL_SOCKET_DIR: directory,
      ...environment,
    },
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
}

async function untilServing(child: Deno.ChildProcess, directory: string): Promise<void> {
  const log = join(directory, "kea.log");
  let ended = false;
  child.status.then(() => ended = true);
  const limit = Date.now() + START_LIMIT_MS;
  while (true) {
    const text = await Deno.readTextFile(log).catch(() => "");
    if (/DHCP[46]_STARTED /.test(text)) return;
    if (ended || Date.now() > limit) {
      const last = text.trim().split("\n").slice(-3).join(" | ") || "its log is empty";
      throw new LabError(`Cannot start Kea, ${ended ? "it ended" : "it does not serve"}: ${last}`);
    }
    await pause(50);
  }
}

function programPath(name: string): string {
  const folders = ["/usr/sbin", "/usr/local/sbin", "/usr/bin"];
  const path = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (path === undefined) throw new LabError(`Cannot find ${name}: deno task install`);
  return path;
}

async function ip(...args: string[]): Promise<void> {
  await outputOf(
    ["ip", ...args],
    (why) => new LabError(`Cannot set up the lab's network, ip ${args.join(" ")}: ${why}`),
  );
}
