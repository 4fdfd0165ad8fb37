/**
 * Watches a lab from a process namespace of its own, for `process_namespace_test.ts`, which starts this
 * there. Prints a line for each bpftrace, its document and what perfdhcp counted: for all three where
 * the server is one deeper.
 */

import { watchWhile } from "../../tools/lab/watch_while.ts";
import { findBpftrace } from "../../probes/bpftrace.ts";
import { startLab } from "../../tools/lab/lab.ts";
import { runPerfdhcp } from "../../tools/lab/perfdhcp.ts";
import { ensureSuite, suiteCommand, SUITES } from "../../tools/lab/debian_suites.ts";

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
    const { document, result: report } = await watchWhile(lab, {
      profile: "deep",
      bpftrace: await findBpftrace(command),
      say: (line) => console.error(line),
    }, () => runPerfdhcp(lab, { rate: 100, exchanges: 53 }));
    const answered = {
      DHCPDISCOVER: report["DISCOVER-OFFER"]!.received,
      DHCPREQUEST: report["REQUEST-ACK"]!.received,
    };
    console.log(JSON.stringify({ document, answered }));
  }
}
