/**
 * A real database for a lab's server: PostgreSQL or MariaDB with Kea's own schema.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import { join } from "node:path";
import { outputOf } from "../../system/run.ts";
import { LabError } from "./lab_error.ts";

/** Where a lab's server keeps its leases. */
export const BACKENDS = ["memfile", "postgresql", "mariadb"] as const;

/** A lease backend. */
export type Backend = typeof BACKENDS[number];

/** A running database. */
export interface Database {
  /** Stops it, as an administrator would. */
  stop(): Promise<void>;
  /** The `lease-database` of Kea's configuration. */
  readonly access: Readonly<Record<string, unknown>>;
  /** The environment variables that Kea needs for it. */
  readonly environment: Readonly<Record<string, string>>;
  /**
   * Runs SQL, and returns its result: one line per row, columns separated by tabs.
   *
   * @throws {LabError} with the database's error.
   */
  sql(text: string): Promise<string>;
}

/** Where a database is, and which of Kea's schemas it gets. */
export interface DatabaseSettings {
  readonly backend: Exclude<Backend, "memfile">;
  /** The lab's folder. */
  readonly directory: string;
  /** Folder of the scripts that come with the server's Kea. */
  readonly scripts: string;
}

/** Longest time for a database to accept connections, and for any other step, milliseconds. */
const [START_LIMIT_MS, LIMIT_MS] = [30_000, 300_000];

const NAME = "kea";

/** Records a process, so that it is stopped in any case. */
type Keep = (child: Deno.ChildProcess) => Promise<void>;

/** Creates a database with Kea's tables, and starts it. */
export async function createDatabase(
  settings: DatabaseSettings,
  track: Keep,
): Promise<Database> {
  const folder = join(settings.directory, "database");
  await Deno.mkdir(folder, { mode: 0o700 });
  const made = KINDS[settings.backend];
  await made.create(settings.directory, folder);
  const database = await startDatabase(settings, track);
  await run(made.client(folder, made.own), `CREATE DATABASE ${NAME}`);
  await database.sql(await Deno.readTextFile(join(settings.scripts, made.schema)));
  return database;
}

/** Starts the database that a lab has, and waits until it answers. */
export async function startDatabase(
  { backend, directory }: Pick<DatabaseSettings, "backend" | "directory">,
  track: Keep,
): Promise<Database> {
  const folder = join(directory, "database");
  const made = KINDS[backend];
  const [program, ...args] = made.server(folder);
  const child = new Deno.Command("setpriv", {
    // It ends with the process that started it.
    args: ["--pdeathsig", made.stop.slice(3), ...made.user, "--", program!, ...args],
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
  await track(child);
  let ended = false;
  child.status.then(() => ended = true);
  const limit = Date.now() + START_LIMIT_MS;
  while (true) {
    try {
      await run(made.client(folder, made.own), "SELECT 1");
      break;
    } catch (error) {
      if (!ended && Date.now() < limit) {
        await pause(100);
        continue;
      }
      throw error;
    }
  }
  return {
    stop: async () => {
      child.kill(made.stop);
      await child.status;
    },
    access: {
      ...made.access(folder),
      ...{ name: NAME, user: NAME, password: "" },
      // By default, Kea ends when its database does.
      ...{ "max-reconnect-tries": 1000, "reconnect-wait-time": 500 },
      "on-fail": "serve-retry-continue",
    },
    environment: made.environment(folder),
    sql: (text) => run(made.client(folder, NAME), text),
  };
}

/** What differs between the databases. */
interface Kind {
  /** The file with Kea's tables, in the folder of scripts. */
  readonly schema: string;
  /** A database that exists from the start. */
  readonly own: string;
  /** The signal that shuts it down cleanly, without waiting for its clients. */
  readonly stop: Deno.Signal;
  /** Options of setpriv. */
  readonly user: readonly string[];
  readonly create: (directory: string, folder: string) => Promise<void>;
  readonly server: (folder: string) => readonly string[];
  readonly client: (folder: string, name: string) => readonly [string, ...string[]];
  readonly access: (folder: string) => Readonly<Record<string, unknown>>;
  readonly environment: (folder: string) => Readonly<Record<string, string>>;
}

const POSTGRES = ["--reuid", "postgres", "--regid", "postgres", "--clear-groups"];

const KINDS: Readonly<Record<DatabaseSettings["backend"], Kind>> = {
  postgresql: {
    schema: "pgsql/dhcpdb_create.pgsql",
    own: "postgres",
    stop: "SIGINT",
    // It refuses to run as root.
    user: POSTGRES,
    create: async (directory, folder) => {
      await run(["chgrp", "postgres", directory]);
      await run(["chown", "postgres:postgres", folder]);
      await run([
        "setpriv",
        ...[...POSTGRES, "--", postgres("initdb"), "-D", join(folder, "data")],
        ...["-U", NAME, "--auth=trust", "--no-sync"],
      ]);
    },
    server: (folder) => [
      ...[postgres("postgres"), "-D", join(folder, "data"), "-k", folder],
      ...["-c", "listen_addresses=", "-c", "shared_preload_libraries=pg_stat_statements"],
      // A lab's data ends with it: no commit waits for the disk of a busy machine.
      ...["-c", "unix_socket_permissions=0777", "-c", "fsync=off"],
    ],
    client: (folder, name) => [
      "psql",
      ...["-h", folder, "-U", NAME, "-d", name, "-q", "-A", "-t", "-F", "\t"],
      ...["-X", "-v", "ON_ERROR_STOP=1"],
    ],
    access: (folder) => ({ type: "postgresql", host: folder }),
    environment: () => ({}),
  },
  mariadb: {
    schema: "mysql/dhcpdb_create.mysql",
    own: "mysql",
    stop: "SIGTERM",
    user: [],
    create: async (_, folder) => {
      await run([
        "mariadb-install-db",
        ...["--no-defaults", "--user=root"],
        ...[`--datadir=${join(folder, "data")}`, "--auth-root-authentication-method=normal"],
        ...["--skip-test-db"],
      ]);
    },
    server: (folder) => [
      ...["mariadbd", "--no-defaults", "--user=root", `--datadir=${join(folder, "data")}`],
      ...[`--socket=${socketIn(folder)}`, "--skip-networking", "--skip-grant-tables"],
      ...["--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync"],
    ],
    client: (folder, name) => [
      "mariadb",
      ...["--no-defaults", `--socket=${socketIn(folder)}`, "-u", NAME],
      ...["--batch", "--skip-column-names", name],
    ],
    access: () => ({ type: "mysql", host: "localhost" }),
    environment: (folder) => ({ MYSQL_UNIX_PORT: socketIn(folder) }),
  },
};

function socketIn(folder: string): string {
  return join(folder, "mysqld.sock");
}

/** Debian does not put the programs of a PostgreSQL server on the PATH. */
function postgres(program: string): string {
  try {
    const all = Array.from(Deno.readDirSync("/usr/lib/postgresql"), ({ name }) => Number(name));
    return `/usr/lib/postgresql/${Math.max(...all)}/bin/${program}`;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new LabError("Cannot find PostgreSQL's server: apt-get install postgresql");
  }
}

/** Runs a program with some text as its input, and returns what it prints. */
async function run(command: readonly [string, ...string[]], input = ""): Promise<string> {
  const failed = (why: string) =>
    new LabError(`Cannot set up the database, ${command[0]} says: ${why}`);
  try {
    return await outputOf(command, failed, { input, limitMs: LIMIT_MS });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new LabError(`Cannot find ${command[0]}: deno task install --for tests`);
  }
}
