import assert from "node:assert/strict";
import {
  statementNames,
  statementTables,
  userOf,
} from "../../../discovery/sites/sql_statements.ts";

const TEXTS = [
  "DELETE FROM lease4 WHERE address = ? AND expire = ?",
  "SELECT address, hwaddr FROM lease4",
  "SELECT address, hwaddr FROM lease4 WHERE hwaddr = ? AND subnet_id = ?",
  "SELECT address, hwaddr FROM lease4 WHERE address > ? ORDER BY address LIMIT ?",
  "SELECT address, hwaddr FROM lease4 WHERE address = ?",
  "INSERT INTO lease4(address, hwaddr) VALUES (?, ?)",
  "UPDATE lease4 SET address = ? WHERE address = ? AND expire = ?",
  "SELECT checkLease4Limits(?)",
];

/** A library with a table of those texts: numbers and pointers at 0x1000, texts at 0x8000. */
function library(texts: readonly string[]) {
  const table = new Uint8Array(16 * texts.length);
  const view = new DataView(table.buffer);
  const pointers = new Map<number, number>();
  let all = "";
  texts.forEach((text, index) => {
    view.setUint32(16 * index, index, true);
    pointers.set(0x1000 + 16 * index + 8, 0x8000 + all.length);
    all += `${text}\0`;
  });
  return {
    data: [
      { address: 0x1000, bytes: table },
      { address: 0x8000, bytes: new TextEncoder().encode(all) },
    ],
    pointers,
  };
}

Deno.test("statementTables() finds a table by its numbers and its SQL", () => {
  const { data, pointers } = library(TEXTS);
  assert.deepEqual(statementTables(data, pointers), [TEXTS]);
});

Deno.test("statementTables() takes no table for one that does not count from 0, or holds other texts", () => {
  const { data, pointers } = library(TEXTS);
  data[0]!.bytes[0] = 7;
  assert.deepEqual(statementTables(data, pointers), []);
  const other = library(TEXTS.map((text) => `not SQL: ${text}`));
  assert.deepEqual(statementTables(other.data, other.pointers), []);
});

Deno.test("statementNames() says what is done to which table by which columns, each once", () => {
  assert.deepEqual(statementNames(TEXTS), [
    "delete_lease4_by_address_expire",
    "select_lease4",
    "select_lease4_by_hwaddr_subnet_id",
    "select_lease4_by_address",
    "select_lease4_by_address_2",
    "insert_lease4",
    "update_lease4_by_address_expire",
    "select_checklease4limits",
  ]);
});

Deno.test("userOf() distinguishes leases from hosts by the function", () => {
  assert.equal(userOf("_ZN3isc4dhcp13MySqlLeaseMgr14addLeaseCommonE"), "leases");
  assert.equal(userOf("_ZN3isc4dhcp23MySqlHostDataSourceImpl12addStatementE"), "hosts");
  assert.equal(userOf("_ZN3isc2db15MySqlConnection11selectQueryIiE"), "configuration");
});
