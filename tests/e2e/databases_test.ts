/** Times of SQL statements against what the databases themselves count. Needs root and both. */

import assert from "node:assert/strict";
import { watchLoad } from "../../tools/lab/counts.ts";
import { watchWhile } from "../../tools/lab/watch_while.ts";
import type { MetricsDocument } from "../../metrics/document.ts";
import { keaCounters } from "../../discovery/control_channel.ts";
import { configurationOf } from "../../discovery/configuration/server_configuration.ts";
import { describeServer } from "../../discovery/servers.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { bpftraceOf, KEAS } from "../../tools/lab/kea_builds.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { LEASE_DATABASE_CHECK } from "../../tools/troubleshoot/lease_database_check.ts";
import { histogramsOf, total } from "../../metrics/totals.ts";
import { runs, until } from "./run_script.ts";
import { assertComplete } from "./watched.ts";

const EXCHANGES = 60;

/** Hardware addresses of the first of clients that have no lease yet. */
const [NEW_CLIENTS, OTHER_CLIENTS] = ["02:00:02:00:00:00", "02:00:03:00:00:00"];

/** The document of a load that was answered. */
async function watched(lab: Lab, kea: keyof typeof KEAS): Promise<MetricsDocument> {
  const { document, report } = await watchLoad(lab, {
    profile: "standard",
    bpftrace: await bpftraceOf(kea),
    rate: 40,
    exchanges: EXCHANGES,
  });
  assertComplete(document);
  const { sent, received } = report["REQUEST-ACK"]!;
  // On a busy machine perfdhcp sends a few more than it was asked for, of clients that have a lease.
  assert.ok(sent === received && received >= EXCHANGES, JSON.stringify(report));
  return document;
}

const statementsIn = (document: MetricsDocument) => histogramsOf(document, "database_query_time");

function countsIn(document: MetricsDocument): Record<string, number> {
  return Object.fromEntries(
    statementsIn(document).map(({ labels, count }) => [labels["statement"], count]),
  );
}

/** Rows of a name and a number, as the databases print them. */
function parseCounts(text: string): Record<string, number> {
  return Object.fromEntries(
    text.split("\n").filter(Boolean).map((line) => line.split("\t")).map((
      [name, count],
    ) => [name!, Number(count)]),
  );
}

/** One statement takes 3 ms or more each time, and no other does. */
function isDelayed(document: MetricsDocument, slow: string, times: number): void {
  const names = Object.keys(ofPackets(countsIn(document)));
  for (const { labels, min } of statementsIn(document)) {
    // Kea's own look for expired leases comes once or twice, which a busy machine can make slow.
    if (!names.includes(labels["statement"]!)) continue;
    const shortest = Number(min) / 1e6;
    const isSlow = labels["statement"] === slow;
    // The lower bound of the bucket with 3 ms; no statement takes 5 ms each time, on any machine.
    assert.ok(
      isSlow ? shortest >= 2.8 && shortest < 5 : shortest < 2,
      `${labels["statement"]}: at least ${shortest} ms`,
    );
  }
  assert.equal(total(document, "database_query_time", { statement: slow }), times);
}

/** Kea's statements by what they say, in the words of pg_stat_statements. */
const POSTGRESQL_COUNTS = `
SELECT CASE
  WHEN query LIKE 'INSERT INTO lease4(%' THEN 'insert_lease4'
  WHEN query ~ 'FROM lease4 *WHERE address = ' THEN 'get_lease4_addr'
  WHEN query ~ 'FROM lease4 *WHERE client_id = .[0-9]+$' THEN 'get_lease4_clientid'
  WHEN query ~ 'FROM lease4 *WHERE hwaddr = .[0-9]+$' THEN 'get_lease4_hwaddr'
  ELSE query END, sum(calls)
FROM pg_stat_statements WHERE query ~ 'lease4' AND query ~ '^(SELECT|INSERT|UPDATE|DELETE)'
  AND query !~ 'pg_stat' GROUP BY 1`;

/** The same from MariaDB's general log, in the words of our names. */
const MARIADB_COUNTS = `
SELECT CASE WHEN argument LIKE 'INSERT INTO lease4%' THEN 'insert_lease4'
  WHEN argument LIKE '%WHERE address =%' THEN 'select_lease4_by_address'
  WHEN argument LIKE '%WHERE client_id =%' THEN 'select_lease4_by_client_id'
  WHEN argument LIKE '%WHERE hwaddr =%' THEN 'select_lease4_by_hwaddr'
  ELSE 'other' END AS what, count(*)
FROM mysql.general_log WHERE command_type = 'Execute' GROUP BY what`;

/** Statements that MariaDB counted without logging them: in one query, because Kea's own come at any time. */
const MARIADB_UNLOGGED = `
SELECT (SELECT variable_value FROM information_schema.global_status
        WHERE variable_name = 'Com_stmt_execute')
  - (SELECT count(*) FROM mysql.general_log WHERE command_type = 'Execute')`;

/** Kea looks for expired leases by itself, also before and after a watch: only what packets ask for. */
function ofPackets(counts: Readonly<Record<string, number>>): Record<string, number> {
  const names =
    /^(insert_lease4|select_lease4_by_(address|client_id|hwaddr)|get_lease4_(addr|clientid|hwaddr))$/;
  return Object.fromEntries(Object.entries(counts).filter(([name]) => names.test(name)));
}

for (const kea of Object.keys(KEAS) as (keyof typeof KEAS)[]) {
  Deno.test(`PostgreSQL's statements are counted as pg_stat_statements does, and a slow one shows alone, Kea ${kea}`, async () => {
    await using lab = await startLab({ kea, backend: "postgresql" });
    const { sql } = lab.database!;
    await sql(
      "CREATE EXTENSION pg_stat_statements; CREATE FUNCTION slow() RETURNS trigger AS " +
        "'BEGIN PERFORM pg_sleep(0.003); RETURN NEW; END' LANGUAGE plpgsql; " +
        "CREATE TRIGGER slow BEFORE INSERT ON lease4 FOR EACH ROW EXECUTE FUNCTION slow()",
    );
    await sql("SELECT pg_stat_statements_reset()");
    const document = await watched(lab, kea);
    const counted = ofPackets(parseCounts(await sql(POSTGRESQL_COUNTS)));
    assert.deepEqual(ofPackets(countsIn(document)), counted);
    assert.equal(Object.keys(counted).length, 4);
    isDelayed(document, "insert_lease4", EXCHANGES);
  });

  Deno.test(`MariaDB's statements are counted as its own log does, and a slow one shows alone, Kea ${kea}`, async () => {
    await using lab = await startLab({ kea, backend: "mariadb" });
    const { sql } = lab.database!;
    await sql("CREATE TRIGGER slow BEFORE INSERT ON lease4 FOR EACH ROW DO SLEEP(0.003)");
    // Statements of a table that changed are prepared anew, and counted twice then.
    const old = lab.pid;
    Deno.kill(old, "SIGTERM");
    await until(async () => !await runs(old), "Kea ended");
    await lab.restart();
    await sql("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = 1");
    const unlogged = async () => Number(await sql(MARIADB_UNLOGGED));
    const before = await unlogged();
    const document = await watched(lab, kea);
    assert.equal(await unlogged(), before, "its log has all that it counted");
    const logged = parseCounts(await sql(MARIADB_COUNTS));
    assert.deepEqual(ofPackets(countsIn(document)), ofPackets(logged));
    assert.equal(Object.keys(ofPackets(logged)).length, 4);
    isDelayed(document, "insert_lease4", EXCHANGES);
  });
}

Deno.test("rows are counted where libpq knows them", async () => {
  await using lab = await startLab({ backend: "postgresql" });
  const load = { rate: 40, exchanges: EXCHANGES, seed: 1 };
  await runPerfdhcp(lab, load);
  // The same clients again: each of their packets finds the lease that is there.
  const { document, report } = await watchLoad(lab, {
    profile: "standard",
    bpftrace: await bpftraceOf("2.2"),
    ...load,
  });
  assert.equal(
    total(document, "database_rows", { statement: "get_lease4_clientid" }),
    Object.values(report).reduce((sum, { received }) => sum + received, 0),
  );
});

/** What troubleshoot says of a lab's database, which takes connections on a Unix socket alone. */
async function verdictOnDatabase({ pid, family, controlSocket }: Lab): Promise<string> {
  const { status } = await LEASE_DATABASE_CHECK.look({
    selector: undefined,
    probeFrom: null,
    canLook: true,
    server: await describeServer(pid),
    configuration: await configurationOf(pid, family),
    whyNoConfiguration: "",
    interfaces: null,
    controlSocket,
  });
  return status;
}

for (const backend of ["postgresql", "mariadb"] as const) {
  Deno.test(`${backend} stopped and started in the middle: errors are counted, nothing is harmed`, async () => {
    await using lab = await startLab({ backend });
    const disturb = async () => {
      const first = runPerfdhcp(lab, { rate: 40, exchanges: 120 }).catch(() => {});
      const acknowledged = async () =>
        (await keaCounters(lab.controlSocket, ["pkt4-ack-sent"]))["pkt4-ack-sent"]!;
      await until(async () => await acknowledged() > 20, "clients have leases");
      assert.equal(await verdictOnDatabase(lab), "ok");
      await lab.database!.stop();
      assert.equal(await verdictOnDatabase(lab), "problem");
      await first;
      await lab.database!.start();
      const leased = async (exchanges: number, base: string) => {
        const report = await runPerfdhcp(lab, { rate: 40, exchanges, base });
        return report["REQUEST-ACK"]!.received;
      };
      // Kea connects again by itself. Of the last exchange perfdhcp may not wait for the answer.
      await until(async () => await leased(5, OTHER_CLIENTS) > 0, "a client has a lease again");
      assert.ok(await leased(EXCHANGES, NEW_CLIENTS) >= EXCHANGES);
    };
    const { document } = await watchWhile(lab, {
      profile: "standard",
      bpftrace: await bpftraceOf("2.2"),
    }, disturb);
    assert.equal(document.server.pid, lab.pid);
    assertComplete(document);
    const failed = document.totals.filter(({ labels }) => labels["kind"] === "database");
    console.log(failed.map((s) => `${s.labels["id"]} ${s.kind === "counter" ? s.value : ""}`));
    assert.ok(failed.length > 0, "no failed statement was counted");
    assert.ok(failed.every(({ labels }) => labels["id"]!.startsWith(`${backend} `)));
    const inserted = statementsIn(document).find(({ labels }) =>
      labels["statement"] === "insert_lease4"
    );
    assert.ok(inserted!.count >= EXCHANGES);
  });
}
