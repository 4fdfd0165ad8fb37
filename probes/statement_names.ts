/**
 * Finds the name of a prepared statement in the server's memory.
 *
 * The database numbers the statements of a connection in the order of preparing, but not always from
 * 1: MariaDB may give a new connection the counter of an old one. So the first of the connection's
 * statements is looked for, in the list that the client library keeps of them.
 *
 * @module
 */

import { inTime } from "../system/read_proc.ts";
import type { Maps } from "./printed_maps.ts";

/** Maps whose keys begin with a site, a statement's address and its number. */
export const STATEMENT_MAPS: ReadonlySet<string> = new Set(["@mariadb", "@mariadb_failed"]);

/** Bytes of a MYSQL_STMT that are searched for its entry in the connection's list. */
const STATEMENT_BYTES = 1024;

/** Limit of the statements of one connection. */
const MOST_STATEMENTS = 4096;

/** Names by user, in the order of preparing. */
export type Statements = Readonly<Record<string, readonly string[]>>;

/** Options of {@linkcode StatementNames}. */
export interface StatementNamesOptions {
  readonly pid: number;
  readonly statements: Statements;
  /** The user of the statements at a site, by instruction pointer. */
  readonly users: ReadonlyMap<string, string>;
  /** Where MYSQL_STMT keeps the statement's number, bytes. */
  readonly numberAt: number;
}

/** Names the statements of one server. */
export class StatementNames {
  readonly #options: StatementNamesOptions;
  readonly #names = new Map<string, string>();

  constructor(options: StatementNamesOptions) {
    this.#options = options;
  }

  /** Finds the statements in some maps, while the server has them in memory. */
  async learn(maps: Maps): Promise<void> {
    const unknown = new Set(
      STATEMENT_MAPS.values().flatMap((map) => Object.keys(maps[map] ?? {})).map(statementOf)
        .filter((statement) => !this.#names.has(statement)),
    );
    if (unknown.size === 0) return;
    const { pid, statements, users, numberAt } = this.#options;
    for (const statement of unknown) {
      const [site, address, number] = statement.split(",");
      const user = users.get(site!) ?? "unknown";
      const first = await inTime(pid, () => firstNumber(pid, Number(address), numberAt));
      const name = first === null ? undefined : statements[user]?.[Number(number) - first];
      this.#names.set(statement, name ?? `${user}-${number}`);
    }
  }

  /** The key with the statement's name in place of site, address and number. */
  renamed(key: string): string {
    const statement = statementOf(key);
    return `${this.#names.get(statement) ?? "unknown"}${key.slice(statement.length)}`;
  }
}

function statementOf(key: string): string {
  return key.split(",", 3).join();
}

/**
 * The number of the statement that a connection prepared first.
 *
 * Each statement is in a list of its connection, newest first: struct { prev; next; data; }, whose
 * data is the statement itself.
 *
 * @returns null when the memory does not look like that.
 */
async function firstNumber(
  pid: number,
  address: number,
  numberAt: number,
): Promise<number | null> {
  using memory = await Deno.open(`/proc/${pid}/mem`).catch(() => null);
  if (memory === null) return null;
  const statement = await readAt(memory, address, STATEMENT_BYTES);
  if (statement === null) return null;
  let data = -1;
  for (let at = 16; at + 8 <= statement.byteLength; at += 8) {
    if (Number(statement.getBigUint64(at, true)) === address) data = at;
  }
  if (data < 0) return null;
  let number = Number(statement.getBigUint64(numberAt, true));
  let next = Number(statement.getBigUint64(data - 8, true));
  for (let count = 0; next !== 0; count++) {
    const node = await readAt(memory, next, 24);
    const other = node && await readAt(memory, Number(node.getBigUint64(16, true)) + numberAt, 8);
    if (node === null || other === null || count > MOST_STATEMENTS) return null;
    number = Math.min(number, Number(other.getBigUint64(0, true)));
    next = Number(node.getBigUint64(8, true));
  }
  return number;
}

async function readAt(
  memory: Deno.FsFile,
  address: number,
  length: number,
): Promise<DataView | null> {
  try {
    await memory.seek(address, Deno.SeekMode.Start);
    const bytes = new Uint8Array(length);
    const read = await memory.read(bytes) ?? 0;
    return read === length ? new DataView(bytes.buffer) : null;
  } catch {
    // Not mapped, or the server is gone.
    return null;
  }
}
