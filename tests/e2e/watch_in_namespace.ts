/**
 * Watches a lab from a process namespace of its own, for `process_namespace_test.ts`, which starts this
 * there. Prints a document for each bpftrace, one a line: for all three where the server is one deeper.
 */

import { watchWhile } from "../../tools/lab/watch_while.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { ensureSuite, suiteCommand, SUITES } from "../../tools/lab/debian_suites.ts";

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
    const { document } = await watchWhile(lab, {
      profile: "standard",
      bpftrace: await findBpftrace(command),
      intervalMs: 500,
      durationMs: 30_000,
      say: (line) => console.error(line),
    }, () => runPerfdhcp(lab, { rate: 100, exchanges: EXCHANGES }));
    console.log(JSON.stringify(document));
  }
}
