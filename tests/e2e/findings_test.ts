/** Each cause of trouble is made for real, and is the first that `explain` finds. Needs root, Kea, g++, PostgreSQL. */

import assert from "node:assert/strict";
import { join } from "node:path";
import type { CaptureRecord } from "../../metrics/capture.ts";
import { documentOf } from "../../metrics/document_builder.ts";
import { explain, type Explanation } from "../../metrics/findings/findings.ts";
import { explanationText } from "../../tools/explain/explanation_text.ts";
import { type CpuGroup, cpuGroup } from "../../tools/lab/cpu_group.ts";
import { delayingHooks } from "../../tools/lab/delaying_hooks.ts";
import { watchLoad } from "../../tools/lab/counts.ts";
import { bpftraceOf, type Lab, startLab } from "../../tools/lab/lab.ts";
import type { Load } from "../../tools/lab/perfdhcp.ts";
import { startSlowFileSystem } from "../../tools/lab/slow_file_system.ts";
import { waitFor, waitingHooks } from "../../tools/lab/waiting_hooks.ts";
import { reconfigure } from "./reconfigure.ts";
import { childrenOf } from "./run_script.ts";

const EXCHANGES = 101;

/** Watches a load with all that can be watched, and explains it. */
async function explained(lab: Lab, load: Partial<Load> = {}): Promise<Explanation> {
  const records: CaptureRecord[] = [];
  await watchLoad(lab, {
    profile: "deep",
    bpftrace: await bpftraceOf("2.2"),
    see: (record) => records.push(record),
    rate: 40,
    exchanges: EXCHANGES,
    ...load,
  });
  const document = await documentOf(records);
  const explanation = explain(document);
  console.log(explanationText(document, explanation, false));
  return explanation;
}

/** The cause is found, and it is the worst. */
function assertFirst({ findings }: Explanation, rule: string): void {
  assert.equal(findings[0]?.rule, rule, JSON.stringify(findings, null, 2));
}

/** A server and its database come before all other work of this machine. */
async function undisturbed(lab: Lab): Promise<CpuGroup> {
  const pidFile = join(lab.directory, "database", "postmaster.pid");
  const text = await Deno.readTextFile(pidFile).catch(() => null);
  const postmaster = text === null ? [] : [Number(text.split("\n")[0])];
  const workers = await Promise.all(postmaster.map(childrenOf));
  return await cpuGroup([lab.pid, ...postmaster, ...workers.flat()], null);
}

for (const [cause, rule] of [["lock", "lock"], ["memory", "paging"]] as const) {
  Deno.test(`packets that wait for ${cause}: ${rule}`, async () => {
    await using slow = await startSlowFileSystem(20);
    await using lab = await startLab({ hooks: [{ path: await waitingHooks("2.2") }] });
    await waitFor(lab, [cause], 20, slow.folder);
    await using _ = await cpuGroup([lab.pid, slow.pid], null);
    assertFirst(await explained(lab), rule);
  });
}

Deno.test("a CPU quota", async () => {
  await using slow = await startSlowFileSystem(5);
  await using lab = await startLab({ threads: 0, hooks: [{ path: await waitingHooks("2.2") }] });
  await waitFor(lab, ["running"], 5, slow.folder);
  await using _ = await cpuGroup([lab.pid], 0.2);
  assertFirst(await explained(lab, { rate: 60 }), "cpu_quota");
});

Deno.test("a slow hook library is found, and DEBUG logging", async () => {
  const sleep = { pkt4_receive: 5 };
  await using lab = await startLab({
    hooks: [{ path: await delayingHooks(), parameters: { sleep } }],
  });
  await using _ = await undisturbed(lab);
  const slow = await explained(lab);
  assertFirst(slow, "slow_hook_library");
  assert.match(slow.findings[0]!.sentence, /pkt4_receive/);
  await reconfigure(lab, (dhcp) => {
    dhcp["hooks-libraries"] = [];
    Object.assign(dhcp["loggers"][0], { severity: "DEBUG", debuglevel: 99 });
  });
  const debugging = await explained(lab, { base: "02:00:01:00:00:00" });
  assertFirst(debugging, "debug_logging");
  assert.equal(debugging.findings.length, 1);
});

Deno.test("a slow SQL statement is found by name", async () => {
  await using lab = await startLab({ backend: "postgresql" });
  await lab.database!.sql(
    "CREATE FUNCTION slow() RETURNS trigger AS 'BEGIN PERFORM pg_sleep(0.02); RETURN NEW; END' " +
      "LANGUAGE plpgsql; " +
      "CREATE TRIGGER slow BEFORE INSERT ON lease4 FOR EACH ROW EXECUTE FUNCTION slow()",
  );
  await using _ = await undisturbed(lab);
  const slow = await explained(lab, { rate: 20 });
  assertFirst(slow, "slow_statement");
  assert.match(slow.findings[0]!.sentence, /insert_lease4/);
});
