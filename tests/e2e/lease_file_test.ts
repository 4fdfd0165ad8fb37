/** Each lease that Kea writes to its lease file, against the file's own lines. Needs root, Kea and bpftrace. */

import assert from "node:assert/strict";
import { describeServer } from "../../discovery/servers.ts";
import { total } from "../../metrics/totals.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import { type Lab, type LabOptions, startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { watchWhile } from "../../tools/lab/watch_while.ts";
import { fullLeaseDisk } from "./full_lease_disk.ts";
import { reconfigure } from "./reconfigure.ts";

const EXCHANGES = 101;

async function linesOfFile({ pid }: Lab): Promise<number> {
  const { leaseFile } = await describeServer(pid);
  return (await Deno.readTextFile(`/proc/${pid}/fd/${leaseFile!.fd}`)).split("\n").length;
}

/** Watches new leases, the same again, and leases that are released. Nothing else is written meanwhile. */
async function watchLeases(lab: Lab) {
  await reconfigure(lab, (dhcp) =>
    dhcp["expired-leases-processing"] = {
      "reclaim-timer-wait-time": 0,
      "flush-reclaimed-timer-wait-time": 0,
    });
  const before = await linesOfFile(lab);
  const bpftrace = await findBpftrace();
  const { document } = await watchWhile(lab, { bpftrace, profile: "standard" }, async () => {
    const load = { rate: 40, exchanges: EXCHANGES };
    await runPerfdhcp(lab, load);
    await runPerfdhcp(lab, load);
    await runPerfdhcp(lab, { ...load, base: "00:0c:02:00:00:00", args: ["-F", "20"] });
  });
  return {
    lines: await linesOfFile(lab) - before,
    written: total(document, "database_query_time", { statement: "lease_file_write" }),
    failed: total(document, "error_rate", { kind: "lease_file_write_failed" }),
    thrown: total(document, "error_rate", { id: "isc::util::CSVFileError" }),
  };
}

for (
  const options of [
    { threads: 0 },
    { family: 6 },
    { kea: "2.6" },
    { kea: "2.6", family: 6, threads: 0 },
    { kea: "newest" },
    { kea: "newest", family: 6 },
  ] as LabOptions[]
) {
  const { kea = "2.2", family = 4 } = options;
  Deno.test(`each line of the lease file is timed, ${JSON.stringify(options)}`, async () => {
    await using lab = await startLab(options);
    const { lines, written, failed } = await watchLeases(lab);
    // Kea 3.0 does not write a DHCPv4 lease again so soon. The rest are those of released leases.
    const others = (kea === "newest" && family === 4 ? 2 : 3) * EXCHANGES;
    assert.ok(lines >= others + EXCHANGES / 4, `${lines} lines`);
    assert.deepEqual([written, failed], [lines, 0]);
  });
}

// Newer Keas take no lease file from elsewhere.
for (const options of [{}, { family: 6 }] satisfies LabOptions[]) {
  Deno.test(`each lease that cannot be written is counted, ${JSON.stringify(options)}`, async () => {
    await using lab = await startLab(options);
    await fullLeaseDisk(lab);
    const { lines, written, failed, thrown } = await watchLeases(lab);
    assert.ok(failed >= EXCHANGES, `${failed} failures`);
    assert.deepEqual([failed, written], [thrown, lines]);
  });
}
