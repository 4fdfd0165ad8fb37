/**
 * Where Kea queries PostgreSQL.
 *
 * @module
 */

import { disassemble } from "../code/disassembly.ts";
import { boundsOf, exportedFunctions } from "../code/elf.ts";
import { factOf } from "../file_facts.ts";
import type { MappedFile, Program } from "../types.ts";
import type { SiteSearch } from "./types.ts";
import { functionEntries } from "./function_entries.ts";
import { refused } from "./site.ts";
import { STATEMENTS_PER_PACKET, usesDatabase } from "./sql_statements.ts";

/** Takes PostgreSQL's answer to a prepared statement; called right after PQexecPrepared. */
const POSTGRESQL_RESULT = "_ZN3isc2db11PgSqlResultC1EP9pg_result";

/** Where a prepared statement is sent, and where its result is taken. */
export async function postgresqlSites({ libraries, databases }: Program): Promise<SiteSearch> {
  if (!usesDatabase(databases, "postgresql")) {
    return refused("postgresql.", "the configuration names no PostgreSQL");
  }
  const hits = databases.leases === "postgresql" ? STATEMENTS_PER_PACKET : 0;
  const library = libraries.find(({ path }) => /\/libpq\.so/.test(path));
  const [started, ended, facts] = await Promise.all([
    functionEntries(libraries, "libpq.so", { "postgresql.start": "PQexecPrepared" }, () => hits),
    functionEntries(
      libraries,
      "libkea-pgsql.so",
      { "postgresql.end": POSTGRESQL_RESULT },
      () => hits,
    ),
    library === undefined ? null : factOf("results of libpq", library, resultFacts),
  ]);
  const refusals = [...started.refusals, ...ended.refusals];
  if (refusals.length > 0) return { sites: [], refusals };
  if (facts === null) {
    return refused("postgresql.", "libpq keeps a result in an unknown way");
  }
  const sites = [...started.sites, ...ended.sites].map((site) => ({ ...site, facts }));
  return { sites, refusals: [] };
}

/** Where libpq keeps the rows and the status of a result: read from the functions that return them. */
async function resultFacts(libpq: MappedFile): Promise<Readonly<Record<string, string>> | null> {
  const exported = await exportedFunctions(libpq.pinnedPath);
  const offset = async (name: string): Promise<string | null> => {
    const bounds = boundsOf(exported, name);
    if (bounds === undefined) return null;
    const code = await disassemble(libpq.pinnedPath, bounds);
    const [found] = code.flatMap(({ text }) =>
      /^mov +(0x[0-9a-f]+)?\(%rdi\),%eax$/.exec(text.trim()) ?? []
    );
    return found === undefined ? null : /0x[0-9a-f]+/.exec(found)?.[0] ?? "0x0";
  };
  const [rows, outcome] = await Promise.all([offset("PQntuples"), offset("PQresultStatus")]);
  return rows === null || outcome === null ? null : { rows, outcome };
}
