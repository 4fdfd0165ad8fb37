/**
 * The SQL statements that a library prepares, from the tables in which Kea keeps them.
 *
 * MariaDB's client identifies a prepared statement by the server's number: the first that a connection
 * prepares is 1. Kea prepares its tables in order.
 *
 * @module
 */

import { binutils, type Data, dataAt, mappedData } from "../code/elf.ts";
import { factOf } from "../file_facts.ts";
import type { Databases, DatabaseType, MappedFile } from "../types.ts";

/** SQL statements per packet of a DORA, leases in the database (counted on 2.2.0). */
export const STATEMENTS_PER_PACKET = 4;

/** Whether a server uses a SQL database of a type. */
export function usesDatabase({ leases, others }: Databases, type: DatabaseType): boolean {
  return leases === type || others.includes(type);
}

/** A table of Kea's: struct TaggedStatement { uint32_t index; const char* text; }, in order. */
const ENTRY_BYTES = 16;

/** A shorter table is something else. */
const LEAST = 5;

const VERB = /^\s*(SELECT|INSERT|UPDATE|DELETE|CALL)\s/i;

/** Longest statement, bytes: Kea's have some thousand; a damaged library may have one without end. */
const LONGEST = 65_536;

/**
 * The names of the statements that a library prepares, by who prepares them (`leases`, `hosts`,
 * `configuration`), in the order of preparing.
 */
export async function statementsOf(
  file: MappedFile,
): Promise<Readonly<Record<string, readonly string[]>>> {
  return await factOf("SQL statements", file, ({ pinnedPath }) => statementsIn(pinnedPath));
}

async function statementsIn(path: string): Promise<Record<string, string[]>> {
  const tables = statementTables(await mappedData(path), await pointersIn(path));
  const found: Record<string, string[]> = {};
  for (const table of tables) {
    const about = (word: RegExp) => table.filter((text) => word.test(text)).length;
    const user = about(/\blease[46]\b/) > 2
      ? "leases"
      : about(/\b(INTO|FROM) hosts\b/) > 2
      ? "hosts"
      : `configuration`;
    found[user] ??= statementNames(table);
  }
  return found;
}

/** Who prepares the statements that a function executes, by its mangled name. */
export function userOf(mangled: string): string {
  if (/MySqlLease/.test(mangled)) return "leases";
  if (/MySqlHost/.test(mangled)) return "hosts";
  return "configuration";
}

/** Addresses that the dynamic linker writes into a file's data, by their place. */
export async function pointersIn(path: string): Promise<Map<number, number>> {
  const text = await binutils("readelf", ["-rW", path]);
  return new Map(Array.from(
    text.matchAll(/^([0-9a-f]+)\s+[0-9a-f]+\s+R_X86_64_RELATIVE\s+([0-9a-f]+)/gm),
    ([, slot, address]) => [parseInt(slot!, 16), parseInt(address!, 16)],
  ));
}

/**
 * Finds tables of statements: numbers from 0 on, each with a pointer to SQL.
 *
 * @returns the texts of each table, by number.
 */
export function statementTables(
  data: readonly Data[],
  pointers: ReadonlyMap<number, number>,
): string[][] {
  const at = (slot: number): { index: number; text: string } | null => {
    const address = pointers.get(slot);
    const bytes = address === undefined ? undefined : dataAt(data, address);
    const number = dataAt(data, slot - 8);
    if (bytes === undefined || number === undefined || number.length < 4) return null;
    const end = bytes.subarray(0, LONGEST).indexOf(0);
    const text = end < 0 ? "" : new TextDecoder("latin1").decode(bytes.subarray(0, end));
    if (!VERB.test(text)) return null;
    return { index: new DataView(number.buffer, number.byteOffset).getUint32(0, true), text };
  };
  const tables: string[][] = [];
  for (const first of pointers.keys().toArray().toSorted((a, b) => a - b)) {
    if (at(first)?.index !== 0) continue;
    const table: string[] = [];
    for (let slot = first;; slot += ENTRY_BYTES) {
      const entry = at(slot);
      if (entry === null || entry.index !== table.length) break;
      table.push(entry.text);
    }
    if (table.length >= LEAST) tables.push(table);
  }
  return tables;
}

/**
 * Short, unique names of a table's statements: operation, table, columns: `select_lease4_by_hwaddr_subnet_id`.
 */
export function statementNames(table: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return table.map((text) => {
    const name = nameOf(text);
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    return before === 0 ? name : `${name}_${before + 1}`;
  });
}

function nameOf(sql: string): string {
  const verb = VERB.exec(sql)![1]!.toLowerCase();
  const table = /\b(?:FROM|INTO|UPDATE|CALL)\s+([a-z0-9_]+)/i.exec(sql)?.[1] ?? "";
  const where = /\bWHERE\b([\s\S]*)/i.exec(sql)?.[1] ?? "";
  const columns = new Set(
    Array.from(
      where.replace(/\b(ORDER|GROUP)\s+BY[\s\S]*/i, "").matchAll(
        /(?:\b[a-z0-9]+\.)?\b([a-z][a-z0-9_]*)\s*(?:[<>=!]+|BETWEEN\b|IN\b)\s*\(?\s*\?/gi,
      ),
      ([, column]) => column!.toLowerCase(),
    ),
  );
  if (table === "") {
    // A stored function: SELECT checkLease4Limits(?).
    return [verb, /\b(\w+)\s*\(/.exec(sql)?.[1] ?? ""].join("_").toLowerCase();
  }
  return [verb, table.toLowerCase(), ...(columns.size === 0 ? [] : ["by", ...columns])].join("_");
}
