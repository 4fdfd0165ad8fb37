/**
 * Whether a Kea's lease database accepts connections.
 *
 * @module
 */

import { isIP } from "node:net";
import type { Server } from "../../discovery/types.ts";
import { openInRoot } from "../../system/libc.ts";
import { sharesNamespace } from "../../system/namespaces.ts";
import {
  type CheckResult,
  notKnown,
  ofConfiguration,
  ok,
  outputAt,
  problem,
  textOf,
} from "./check.ts";

/**
 * Default sockets of client libraries: Debian, Red Hat, built from source.
 */
const USUAL_SOCKETS = {
  mysql: ["/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock"],
  postgresql: ["/var/run/postgresql", "/run/postgresql", "/tmp"],
} as const;

/** Longest wait for a connection, seconds. */
const LIMIT_SECONDS = 3;

/** The database of leases. */
export const LEASE_DATABASE_CHECK = ofConfiguration("lease database", async (found, server) => {
  const { type = "memfile", host = "localhost", port = 0, persist } =
    found.dhcp["lease-database"] ?? {};
  if (type === "memfile") return ok(persist === false ? "in memory only" : "memfile");
  if (type !== "mysql" && type !== "postgresql") {
    return notKnown(`leases are in "${type}"`, "this kind of database is not known here");
  }
  const remedy = `start the database, or fix lease-database in ${found.path}`;
  const at = port === 0 ? (type === "mysql" ? 3306 : 5432) : port;
  // For libmariadb, "localhost" means its Unix socket; for libpq, a folder means the socket in it.
  const isLocal = type === "mysql" ? host === "" || host === "localhost" : host === "";
  if (isLocal || (type === "postgresql" && host.startsWith("/"))) {
    return await socketVerdict(server, type, host, at, remedy);
  }
  // The server's network namespace has another loopback.
  const reached = await outputAt(
    server,
    ...["timeout", String(LIMIT_SECONDS), "bash", "-c", ': < "/dev/tcp/$0/$1"', host, String(at)],
  );
  const what = `${type} at ${host}, port ${at}`;
  if (reached?.code === 0) return ok(what);
  // In its own mount namespace the server has another /etc/hosts.
  if (isIP(host) === 0 && !await sharesNamespace(server.pid, "mnt")) {
    return notKnown(what, "the server has its own /etc/hosts, where this name may be another host");
  }
  return unreachable(what, remedy);
});

const unreachable = (what: string, remedy: string) =>
  problem(
    `${what}, accepts no connection`,
    "the server cannot read or write leases, and will not start without it",
    remedy,
  );

async function socketVerdict(
  server: Server,
  type: "mysql" | "postgresql",
  host: string,
  port: number,
  remedy: string,
): Promise<CheckResult> {
  const variable = type === "mysql" ? "MYSQL_UNIX_PORT" : "PGHOST";
  const named = host.startsWith("/") ? host : await variableOf(server.pid, variable);
  const places = named === null ? USUAL_SOCKETS[type] : [named];
  const paths = places.map((place) => type === "mysql" ? place : `${place}/.s.PGSQL.${port}`);
  for (const path of paths) {
    if (await takesConnection(server.pid, path)) return ok(`${type} at ${path}`);
  }
  if (named !== null) return unreachable(`${type} at ${paths[0]}`, remedy);
  return notKnown(
    `${type} at a Unix socket that nothing names`,
    `no database takes connections at ${paths.join(", ")}; it may have another place`,
  );
}

/** Whether something listens on a Unix socket, as a process sees its path. */
async function takesConnection(pid: number, path: string): Promise<boolean> {
  using found = socketAt(pid, path);
  if (found === null) return false;
  // A short path, whatever the length of the real one.
  return await Deno.connect({ transport: "unix", path: `/proc/self/fd/${found.fd}` })
    .then((connection) => {
      connection.close();
      return true;
    }, () => false);
}

function socketAt(pid: number, path: string) {
  const found = openInRoot(`/proc/${pid}/root`, path);
  return typeof found === "string" ? null : found;
}

/** A variable of a process's environment, as it was started with. */
async function variableOf(pid: number, name: string): Promise<string | null> {
  const variables = (await textOf(`/proc/${pid}/environ`) ?? "").split("\0");
  const found = variables.find((variable) => variable.startsWith(`${name}=`));
  return found?.slice(name.length + 1) || null;
}
