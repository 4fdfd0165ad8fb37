/**
 * Watches a lab from a process namespace of its own, for `process_namespace_test.ts`, which starts this
 * there. Prints a document for each bpftrace, one a line: for all three where the server is one deeper.
 */

import { describeServer } from "../../discovery/servers.ts";
import { WindowBuilder } from "../../metrics/windows.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import { watch } from "../../probes/monitoring_loop.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { ensureSuite, suiteCommand, SUITES } from "../../tools/suites.ts";

/** Exchanges that are sent for each bpftrace. */
export const EXCHANGES = 53;

if (import.meta.main) {
  const isDeeper = Deno.args[0] === "deeper";
  await using lab = await startLab({ ownProcessIds: isDeeper });
  const suites = await Promise.all((isDeeper ? SUITES : []).map(ensureSuite));
  for (
    const command of [
      ["bpftrace"],
      ...suites.map((suite) => suiteCommand(suite, ["bpftrace"])),
    ]
  ) {
    const stop = new AbortController();
    const windows = new WindowBuilder();
    let traffic: Promise<unknown> | null = null;
    for await (
      const record of watch({
        server: await describeServer(lab.pid),
        profile: "standard",
        bpftrace: await findBpftrace(command),
        intervalMs: 500,
        durationMs: 30_000,
        signal: stop.signal,
        say: (line) => console.error(line),
      })
    ) {
      windows.next(record);
      if (record.type !== "sample") continue;
      traffic ??= runPerfdhcp(lab, { rate: 100, exchanges: EXCHANGES }).then(() => stop.abort());
    }
    await traffic;
    console.log(JSON.stringify(windows.document()));
  }
}
