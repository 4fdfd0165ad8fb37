/**
 * Where Kea queries MariaDB or MySQL.
 *
 * @module
 */

import { callsOf } from "../code/call_sites.ts";
import { codeOf } from "../code/decoded_code.ts";
import { disassemble } from "../code/disassembly.ts";
import { boundsOf, exportedFunctions } from "../code/elf.ts";
import { factOf } from "../file_facts.ts";
import type { MappedFile, Program } from "../types.ts";
import type { SiteSearch } from "./types.ts";
import { keptSearch } from "./kept_search.ts";
import { gather, refused, sitesAroundCall } from "./site.ts";
import { STATEMENTS_PER_PACKET, userOf, usesDatabase } from "./sql_statements.ts";

/** Sends a prepared statement, and waits for the answer. */
const MARIADB_EXECUTE = "mysql_stmt_execute";

/** The calls that execute a prepared statement, with their ends. */
export async function mariadbSites({ libraries, databases }: Program): Promise<SiteSearch> {
  const id = "mariadb.";
  if (!usesDatabase(databases, "mysql")) return refused(id, "the configuration names no MariaDB");
  const hits = databases.leases === "mysql" ? STATEMENTS_PER_PACKET : 0;
  const client = libraries.find(({ path }) => /\/lib(mariadb|mysqlclient)\.so/.test(path));
  const caller = libraries.find(({ path }) => path.endsWith("/libdhcp_mysql.so")) ??
    libraries.find(({ path }) => /\/libkea-dhcpsrv\.so/.test(path));
  if (client === undefined) return refused(id, "the server maps no client library of MariaDB");
  if (caller === undefined) return refused(id, "the server maps no libkea-dhcpsrv");
  const number = await factOf("number of a statement", client, statementNumber);
  if (number === null) {
    return refused(id, "the client library numbers its statements in an unknown way");
  }
  const users = databases.whyAssumed !== undefined ? [] : [
    ...databases.leases === "mysql" ? ["leases"] : [],
    ...databases.others.includes("mysql") ? ["hosts", "configuration"] : [],
  ];
  const { sites, refusals } = await keptSearch(
    `${id} ${JSON.stringify({ users, hits })}`,
    caller,
    (copy) => callsIn(copy, users, hits),
  );
  return { sites: sites.map((site) => ({ ...site, facts: { number } })), refusals };
}

async function callsIn(
  caller: MappedFile,
  users: readonly string[],
  hits: number,
): Promise<SiteSearch> {
  const [code, symbols] = await Promise.all([codeOf(caller), exportedFunctions(caller.pinnedPath)]);
  const found = callsOf(code, MARIADB_EXECUTE).flatMap((site, index) => {
    const holder = symbols.find(({ address, size }) =>
      site.call.address >= address && site.call.address < address + size
    );
    const user = userOf(holder?.name ?? "");
    return users.length === 0 || users.includes(user) ? [{ site, user, index }] : [];
  });
  if (found.length === 0) return refused("mariadb.", "no call of mysql_stmt_execute was found");
  return gather(
    found.map(({ site, user, index }) =>
      // Each statement uses one of them.
      sitesAroundCall(
        (edge) => `mariadb.${edge}.${user}.${index}`,
        caller,
        site,
        hits / found.length,
      )
    ),
  );
}

/**
 * Where the client library keeps a statement's number: after the connection, which is the first field of a
 * statement that mysql_stmt_execute reads.
 */
async function statementNumber(client: MappedFile): Promise<string | null> {
  const bounds = boundsOf(await exportedFunctions(client.pinnedPath), MARIADB_EXECUTE);
  if (bounds === undefined) return null;
  const first = (await disassemble(client.pinnedPath, bounds)).slice(0, 25)
    .map(({ text }) => /^mov +0x([0-9a-f]+)\(%rdi\),%r\w+$/.exec(text.trim())?.[1])
    .find((offset) => offset !== undefined);
  return first === undefined ? null : `0x${(parseInt(first, 16) + 8).toString(16)}`;
}
