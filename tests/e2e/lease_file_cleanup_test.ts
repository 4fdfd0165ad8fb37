/** The cleanup of the lease file by Kea's own program, against the server's log. Needs root and Kea. */

import assert from "node:assert/strict";
import { join } from "node:path";
import type { MetricsDocument } from "../../metrics/document.ts";
import { type Lab, type LabOptions, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { histogramsOf, total } from "../../metrics/totals.ts";
import { startMonitor } from "./monitored.ts";
import { reconfigure } from "./reconfigure.ts";
import { childrenOf, until } from "./run_script.ts";

const PERIOD = 2;

const lines = async (lab: Lab, id: string) =>
  (await Deno.readTextFile(lab.log)).split("\n").filter((line) => line.includes(id)).length;

/** The cleanup that is under way. */
async function cleanupOf({ pid }: Lab): Promise<number | undefined> {
  for (const child of await childrenOf(pid)) {
    const comm = await Deno.readTextFile(`/proc/${child}/comm`).catch(() => "");
    if (comm === "kea-lfc\n") return child;
  }
}

/** Lets Kea clean up so often, seconds; it refuses a configuration while a cleanup runs. */
async function setInterval(lab: Lab, seconds: number): Promise<void> {
  const set = () => reconfigure(lab, (dhcp) => dhcp["lease-database"]["lfc-interval"] = seconds);
  const isBusy = (error: Error) => {
    if (error.message.includes("cleanup is in progress")) return false;
    throw error;
  };
  await until(async () => await set().then(() => true, isBusy), `a cleanup each ${seconds} s`);
}

const cleanups = (document: MetricsDocument) =>
  histogramsOf(document, "database_query_time", { statement: "lease_file_cleanup" })[0]!;

for (const options of [{}, { family: 6 }, { kea: "newest" }] satisfies LabOptions[]) {
  const what = JSON.stringify(options);
  Deno.test(`each cleanup of the lease file is timed, ${what}`, async () => {
    await using lab = await startLab(options);
    await runPerfdhcp(lab, { rate: 200, exchanges: 400 });
    await using monitored = await startMonitor(lab.pid, ["--profile", "light"]);
    await setInterval(lab, PERIOD);
    const before = await lines(lab, "LFC_EXECUTE");
    const begunYet = async () => await lines(lab, "LFC_EXECUTE") - before;
    await until(async () => await begunYet() >= 3, "three cleanups have begun");
    await setInterval(lab, 0);
    await until(async () => await cleanupOf(lab) === undefined, "none runs");
    const begun = await begunYet();
    const { document } = await monitored.stop();
    const { count, quantiles } = cleanups(document);
    assert.equal(count, begun);
    // It reads and writes 400 leases, and starts a program for it.
    assert.ok(quantiles.every(({ value }) => value > 1e6), JSON.stringify(quantiles));
    assert.equal(total(document, "error_rate", { kind: "lease_file_cleanup_failed" }), 0);
  });
}

Deno.test("a cleanup of the lease file that was killed is reported", async () => {
  await using lab = await startLab();
  await runPerfdhcp(lab, { rate: 200, exchanges: 100 });
  await using monitored = await startMonitor(lab.pid, ["--profile", "light"]);
  await setInterval(lab, PERIOD);
  // kea-lfc reads this file first, and waits for a writer.
  const pipe = join(lab.directory, "leases.csv.2");
  await new Deno.Command("mkfifo", { args: [pipe] }).output();
  let stuck: number | undefined;
  await until(async () => (stuck = await cleanupOf(lab)) !== undefined, "kea-lfc runs");
  await Deno.remove(pipe);
  Deno.kill(stuck!, "SIGKILL");
  const before = await lines(lab, "LFC_EXECUTE");
  await until(async () => await lines(lab, "LFC_EXECUTE") > before, "the next has begun");
  await setInterval(lab, 0);
  await until(async () => await cleanupOf(lab) === undefined, "none runs");
  const { document } = await monitored.stop();
  assert.ok(cleanups(document).count >= 2);
  const failures = document.totals.filter(({ labels }) =>
    labels["kind"] === "lease_file_cleanup_failed"
  );
  assert.deepEqual(
    failures.map((series) => [series.labels["id"], series.kind === "counter" && series.value]),
    [["signal 9", 1]],
  );
});
