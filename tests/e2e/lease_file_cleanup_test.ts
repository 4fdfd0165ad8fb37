/** The cleanup of the lease file by Kea's own program, against the server's log. Needs root and Kea. */

import assert from "node:assert/strict";
import { join } from "node:path";
import type { MetricsDocument } from "../../metrics/document.ts";
import { keaCommand } from "../../discovery/control_channel.ts";
import { type Lab, type LabOptions, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { documentIn, startMonitor, total } from "./monitored.ts";
import { until } from "./run_script.ts";

const PERIOD = 2;

// deno-lint-ignore no-explicit-any -- Kea's own configuration, as far as a test changes it.
async function reconfigure(lab: Lab, change: (dhcp: any) => void): Promise<void> {
  const name = `Dhcp${lab.family}`;
  const { [name]: dhcp } = await keaCommand(lab.controlSocket, "config-get") as Record<
    string,
    object
  >;
  change(dhcp);
  await keaCommand(lab.controlSocket, "config-set", { [name]: dhcp });
}

const lines = async (lab: Lab, id: string) =>
  (await Deno.readTextFile(lab.log)).split("\n").filter((line) => line.includes(id)).length;

/** The cleanup that is under way. */
async function cleanupOf({ pid }: Lab): Promise<number | undefined> {
  for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
    const children = await Deno.readTextFile(`/proc/${pid}/task/${name}/children`);
    for (const child of children.split(" ").filter(Boolean)) {
      const comm = await Deno.readTextFile(`/proc/${child}/comm`).catch(() => "");
      if (comm.trim() === "kea-lfc") return Number(child);
    }
  }
}

const cleanups = ({ totals }: MetricsDocument) =>
  totals.find(({ labels }) => labels["statement"] === "lease_file_cleanup");

for (const options of [{}, { family: 6 }, { kea: "newest" }] satisfies LabOptions[]) {
  const what = JSON.stringify(options);
  Deno.test(`each cleanup of the lease file is timed, ${what}`, async () => {
    await using lab = await startLab(options);
    await runPerfdhcp(lab, { rate: 200, exchanges: 400 });
    const monitored = await startMonitor(lab.pid, ["--duration", "60", "--profile", "light"]);
    const setInterval = (seconds: number) =>
      reconfigure(lab, (dhcp) => dhcp["lease-database"]["lfc-interval"] = seconds);
    await setInterval(PERIOD);
    const before = await lines(lab, "LFC_EXECUTE");
    const begunYet = async () => await lines(lab, "LFC_EXECUTE") - before;
    await until(async () => await begunYet() >= 3, 40, "three cleanups have begun");
    const noneRuns = async () => await cleanupOf(lab) === undefined;
    // Newer Keas refuse a configuration while a cleanup runs.
    await until(noneRuns, 30, "the last has ended");
    await setInterval(0);
    await until(noneRuns, 30, "none has begun meanwhile");
    const begun = await begunYet();
    monitored.child.kill("SIGINT");
    const { stderr } = await monitored.end();
    const document = await documentIn(monitored);
    const found = cleanups(document);
    assert.ok(found?.kind === "histogram", stderr);
    assert.equal(found.count, begun);
    // It reads and writes 400 leases, and starts a program for it.
    assert.ok(found.quantiles.every(({ value }) => value > 1e6 && value < 1e9), stderr);
    assert.equal(total(document, "error_rate", { kind: "lease_file_cleanup_failed" }), 0);
  });
}

Deno.test("a cleanup of the lease file that was killed is told", async () => {
  await using lab = await startLab();
  await runPerfdhcp(lab, { rate: 200, exchanges: 100 });
  const monitored = await startMonitor(lab.pid, ["--duration", "8", "--profile", "light"]);
  await reconfigure(lab, (dhcp) => dhcp["lease-database"]["lfc-interval"] = PERIOD);
  // kea-lfc reads this file first, and waits for somebody to write.
  const pipe = join(lab.directory, "leases.csv.2");
  await new Deno.Command("mkfifo", { args: [pipe] }).output();
  let stuck: number | undefined;
  await until(async () => (stuck = await cleanupOf(lab)) !== undefined, 10, "kea-lfc runs");
  await Deno.remove(pipe);
  Deno.kill(stuck!, "SIGKILL");
  const { code, stderr } = await monitored.end();
  assert.equal(code, 0, stderr);
  const document = await documentIn(monitored);
  const found = cleanups(document);
  assert.ok(found?.kind === "histogram" && found.count >= 2, stderr);
  const failures = document.totals.filter(({ labels }) =>
    labels["kind"] === "lease_file_cleanup_failed"
  );
  assert.deepEqual(
    failures.map((series) => [series.labels["id"], series.kind === "counter" && series.value]),
    [["signal 9", 1]],
  );
});
