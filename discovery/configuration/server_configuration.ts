/**
 * The configuration of a running Kea: from the server itself (`config-get`) or, if that is not possible, from
 * its file. The two differ after a `config-set`, with a configuration backend, or if the file was edited and
 * not loaded yet.
 *
 * @module
 */

import { isGone } from "../../system/proc.ts";
import { keaCommand } from "../control_channel.ts";
import { DiscoveryError } from "../discovery_error.ts";
import type { Databases, DatabaseType, Family, Server } from "../types.ts";
import { type KeaStart, keaStartOf, pathAt } from "./kea_options.ts";
import { readConfigurationFile } from "./configuration_file.ts";
import { listeningSockets } from "./control_socket.ts";
import { type DhcpConfiguration, dhcpConfigurationIn } from "./dhcp_configuration.ts";

/** A configuration, and where it came from. */
export interface FoundConfiguration {
  /** The server itself, or the file that it was started with. */
  readonly from: "server" | "file";
  /** Why the server was not asked, or did not answer; null if it answered. */
  readonly whyNotServer: string | null;
  /** The file that it was started with, in the server's own root. */
  readonly path: string;
  readonly dhcp: DhcpConfiguration;
}

/**
 * With a larger file, the server is not asked: `config-get` takes Kea 0.4 s per MB of file (2.2.0, ten
 * thousand subnets), and meanwhile it handles no packets.
 */
const LARGE = 256 * 1024;

/** Limit of control sockets: each that does not answer takes time. */
const MOST_SOCKETS = 3;

/**
 * Finds the configuration of a running server. A server with a large configuration is not asked; its file
 * is read.
 *
 * @throws {DiscoveryError} when neither works, with both reasons.
 */
export async function configurationOf(pid: number, family: Family): Promise<FoundConfiguration> {
  const start = await startOf(pid);
  if (start.configuration === null) {
    throw new DiscoveryError(
      `Cannot find the configuration of process ${pid}: its command line names none (-c FILE)`,
    );
  }
  const path = start.workingDirectory === null
    ? start.configuration
    : pathAt(start, start.configuration);
  const file = fileOf(pid, family, path, start);
  const asked = typeof file !== "string" && file.bytes > LARGE
    ? `it was not asked, it would handle no packets while it sends ${
      (file.bytes / 1e6).toFixed(1)
    } MB`
    : await askServer(pid, family, start);
  if (typeof asked !== "string") return { from: "server", whyNotServer: null, path, dhcp: asked };
  if (typeof file !== "string") return { from: "file", whyNotServer: asked, path, dhcp: file.dhcp };
  throw new DiscoveryError(`Cannot read the configuration "${path}" (${file}); ${asked}`);
}

/**
 * Control sockets of a running server, for {@linkcode keaCommand}.
 *
 * @throws {DiscoveryError} when it has ended, or we may not read it.
 */
export async function controlSocketsOf(pid: number): Promise<string[]> {
  return (await listeningSockets(pid, await startOf(pid))).map((path) =>
    `/proc/${pid}/root${path}`
  );
}

/** Client libraries, by database. */
const CLIENT_LIBRARIES: Readonly<Record<DatabaseType, RegExp>> = {
  mysql: /\/lib(mariadb|mysqlclient)\.so/,
  postgresql: /\/libpq\.so/,
};

const DATABASE_TYPES = ["mysql", "postgresql"] as const satisfies readonly DatabaseType[];

/**
 * What a running server is configured to do. If its configuration cannot be read, its databases are those whose
 * client libraries it maps, with the reason.
 */
export async function configuredOf(
  { pid, family, libraries, leaseFile }: Pick<Server, "pid" | "family" | "libraries" | "leaseFile">,
): Promise<Pick<Server, "databases" | "debugLoggers" | "workerThreads">> {
  try {
    const { dhcp } = await configurationOf(pid, family);
    return {
      databases: databasesIn(dhcp),
      debugLoggers: debugLoggersIn(dhcp),
      workerThreads: workerThreadsIn(dhcp),
    };
  } catch (error) {
    if (!(error instanceof DiscoveryError)) throw error;
    const mapped = DATABASE_TYPES.filter((type) =>
      libraries.some(({ path }) => CLIENT_LIBRARIES[type].test(path))
    );
    const leases = leaseFile === null ? mapped[0] ?? null : null;
    const databases = { leases, others: mapped, whyAssumed: error.message };
    return { databases, debugLoggers: null, workerThreads: null };
  }
}

function databasesIn(dhcp: DhcpConfiguration): Databases {
  const others = [
    dhcp["hosts-database"],
    ...dhcp["hosts-databases"] ?? [],
    ...dhcp["config-control"]?.["config-databases"] ?? [],
  ].map((database) => database?.type);
  return {
    leases: DATABASE_TYPES.find((type) => type === dhcp["lease-database"]?.type) ?? null,
    others: DATABASE_TYPES.filter((type) => others.includes(type)),
  };
}

function debugLoggersIn({ loggers = [] }: DhcpConfiguration): string[] {
  return loggers.filter(({ severity }) => severity?.toUpperCase() === "DEBUG")
    .map(({ name }) => name ?? "");
}

/** Null if it is one for each CPU, or the default: until Kea 2.3.4 none, then one for each CPU. */
function workerThreadsIn({ "multi-threading": threading }: DhcpConfiguration): number | null {
  if (threading?.["enable-multi-threading"] === false) return 0;
  return threading?.["thread-pool-size"] || null;
}

/** The file's configuration, or why there is none. */
function fileOf(
  pid: number,
  family: Family,
  path: string,
  start: KeaStart,
): { readonly dhcp: DhcpConfiguration; readonly bytes: number } | string {
  try {
    const { values, bytes } = readConfigurationFile(pid, pathAt(start, path), start);
    return { dhcp: dhcpConfigurationIn(values, family), bytes };
  } catch (error) {
    if (error instanceof DiscoveryError) return error.message;
    throw error;
  }
}

/** The server's answer, or why there is none. */
async function askServer(
  pid: number,
  family: Family,
  start: KeaStart,
): Promise<DhcpConfiguration | string> {
  const reasons: string[] = [];
  for (const path of (await listeningSockets(pid, start)).slice(0, MOST_SOCKETS)) {
    try {
      const answer = await keaCommand(`/proc/${pid}/root${path}`, "config-get");
      return dhcpConfigurationIn(answer, family);
    } catch (error) {
      if (!(error instanceof DiscoveryError)) throw error;
      reasons.push(`its control socket ${path} gives none (${error.message})`);
    }
  }
  return reasons.join("; ") || "it has no Unix control socket";
}

async function startOf(pid: number): Promise<KeaStart> {
  try {
    return await keaStartOf(pid);
  } catch (error) {
    if (isGone(error)) {
      throw new DiscoveryError(`Cannot find process ${pid}: it does not run (any more)`);
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new DiscoveryError(`Cannot read process ${pid}: run it with sudo`);
    }
    throw error;
  }
}
