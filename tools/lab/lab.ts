/**
 * A real Kea and a place for its clients, in network namespaces of one machine.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import { tmpdir } from "node:os";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ADDRESSES, ADDRESSES6, type HookLibrary, keaConfiguration } from "./kea_configuration.ts";
import { type Backend, createDatabase, startDatabase } from "./database.ts";
import { suiteCommand } from "./debian_suites.ts";
import { keaBuild, type KeaChoice } from "./kea_builds.ts";
import { connect, type LabNetwork } from "./lab_network.ts";
import { Belongings, clearLeftovers } from "./leftovers.ts";
import { LabError } from "./lab_error.ts";
import { run, textOf } from "../../system/run.ts";
import type { Family, SocketKind } from "../../metrics/dhcp.ts";

/** Options of a lab. */
export interface LabOptions {
  /** DHCP family; 4 without it. */
  readonly family?: Family;
  readonly kea?: KeaChoice;
  readonly sockets?: SocketKind;
  /** Worker threads of the server; 0 for a single-threaded one. */
  readonly threads?: number;
  readonly hooks?: readonly HookLibrary[];
  /** Where it keeps its leases; default: memfile. */
  readonly backend?: Backend;
  /** How many packets wait for a thread before Kea drops them; without it so many that it drops none. */
  readonly packetQueue?: number;
  /** Seconds between two cleanups of its lease file; without it there are none. */
  readonly cleanupSeconds?: number;
  /** The server's executable; default: the installed kea-dhcp4. */
  readonly program?: string;
  /** Whether the server has its own process namespace, as in a container. */
  readonly ownProcessIds?: boolean;
  /** Folder of libraries that the server loads instead of the installed ones. */
  readonly libraries?: string;
}

/** A running lab. Disposing removes everything. */
export interface Lab extends LabNetwork, AsyncDisposable {
  readonly pid: number;
  readonly family: Family;
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

/** Packets for which Kea's own queue has room without a setting. */
export const KEA_PACKET_QUEUE = 64;

/** A queue from which Kea drops nothing, on a busy machine either. */
const LONG_QUEUE = 10_000;

/** Longest time for a server to start, milliseconds: it reads a long lease file, on a busy machine. */
const START_LIMIT_MS = 120_000;

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
  const network = {
    ...{ serverNetns: `${name}-s`, serverInterface: "lab-server" },
    ...{ clientNetns: `${name}-c`, clientInterface: "lab-client" },
  };
  const directory = join(tmpdir(), name);
  const belongings = await Belongings.record(name, {
    namespaces: [network.serverNetns, network.clientNetns],
    directory,
  });
  try {
    // Newer Keas require this of the folder of a control socket. It is root's, so only root's.
    await Deno.mkdir(directory, { mode: 0o750 });
    await connect(network);
    return await serve(options, network, directory, belongings);
  } catch (error) {
    await belongings.clear();
    throw error;
  }
}

/** Starts the servers in a network. */
async function serve(
  options: LabOptions,
  network: LabNetwork,
  directory: string,
  belongings: Belongings,
): Promise<Lab> {
  const { family = 4, kea = "2.2", sockets = "raw", threads = 2, backend = "memfile" } = options;
  const { suite, scripts, hasDatabaseHooks, ...build } = await keaBuild(kea, family);
  const inSuite = (...argv: [string, ...string[]]) =>
    suite === null ? argv : suiteCommand(suite, argv, [directory]);
  const program = options.program ?? build.program;
  const keep = (child: Deno.ChildProcess) => belongings.keep(child);

  let database = backend === "memfile"
    ? null
    : await createDatabase({ backend, directory, scripts }, keep);
  const ofDatabase = hasDatabaseHooks && backend !== "memfile"
    ? [{ path: `libdhcp_${backend === "mariadb" ? "mysql" : "pgsql"}.so` }]
    : [];
  const configuration = keaConfiguration({
    ...{ family, sockets, threads, directory, interfaceName: network.serverInterface },
    hooks: [...options.hooks ?? [], ...ofDatabase],
    packetQueue: options.packetQueue ?? LONG_QUEUE,
    cleanupSeconds: options.cleanupSeconds ?? 0,
    hasSocketList: await hasSocketList(inSuite(program, "-v")),
    ...(database === null ? {} : { leases: database.access }),
  });
  const file = join(directory, "kea.json");
  await Deno.writeTextFile(file, JSON.stringify(configuration, null, 2));

  const environment = {
    ...build.environment,
    ...database?.environment,
    ...(options.libraries === undefined ? {} : { LD_LIBRARY_PATH: options.libraries }),
  };
  let server: Deno.ChildProcess;
  const start = async () => {
    const argv = options.ownProcessIds
      ? inSuite("unshare", "--pid", "--fork", "--kill-child=TERM", "--", program, "-c", file)
      : inSuite(program, "-c", file);
    const child = server = await startKea(argv, network.serverNetns, directory, environment);
    await keep(child);
    await untilServing(child, directory);
    if (!options.ownProcessIds) return child.pid;
    // Its process id on this machine; in its own namespace it is process 1.
    const children = await Deno.readTextFile(`/proc/${child.pid}/task/${child.pid}/children`);
    const pid = Number(children.trim());
    await belongings.keepProcess(pid);
    return pid;
  };
  let pid = await start();
  return {
    get pid() {
      return pid;
    },
    family,
    ...network,
    serverAddress: (family === 4 ? ADDRESSES : ADDRESSES6).server,
    log: join(directory, "kea.log"),
    controlSocket: join(directory, "control"),
    directory,
    database: database && {
      sql: database.sql,
      stop: () => database!.stop(),
      start: async () => {
        if (backend === "memfile") return;
        database = await startDatabase({ backend, directory }, keep);
      },
    },
    restart: async () => {
      // A Kea that is dead and not reaped still runs for the next one, which then ends at once.
      await server.status;
      await untilCleanedUp(directory);
      return pid = await start();
    },
    [Symbol.asyncDispose]: () => belongings.clear(),
  };
}

/** Whether a Kea accepts a list of control sockets: 2.7.2 and later do. */
async function hasSocketList(command: readonly [string, ...string[]]): Promise<boolean> {
  // Also of a build from git: "3.3.1-git".
  const [major, minor, patch] = textOf(await run(command)).split(/[.-]/).map(Number);
  return major! * 10_000 + minor! * 100 + patch! >= 20_702;
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

/** Kea does not start while a cleanup of its lease file runs; the server that began it does not end it. */
async function untilCleanedUp(directory: string): Promise<void> {
  const limit = Date.now() + START_LIMIT_MS;
  while (existsSync(join(directory, "leases.csv.pid"))) {
    if (Date.now() > limit) {
      throw new LabError("Cannot start Kea: its lease file is being cleaned up");
    }
    await pause(50);
  }
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
