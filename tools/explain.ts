#!/usr/bin/env -S deno run -A
/**
 * `deno task explain`: says what is wrong or slow in a run, the worst first, and what to do.
 *
 * @module
 */

import { newCommand, runMain } from "../system/command_line.ts";
import { explainFile } from "./explain/explain_file.ts";

const command = newCommand("explain")
  .description(
    "Explain a capture or a metrics document: what is lost, slow or a risk, the worst first, with the figures that " +
      "show it and what to do; and what the run cannot show.",
  )
  .argument("<file>", "a capture or a metrics document; - for standard input")
  .option("--json", "print the findings as JSON")
  .showHelpAfterError("(--help shows the options)")
  .addHelpText(
    "after",
    `
Examples:
  deno task explain kea-monitor-dhcp4-20260101T120000Z/capture.ndjson
  deno task -q explain metrics.json --json | jq -r '.findings[].sentence'

Exit status: 0 nothing was found and everything was seen, 1 failed, 2 wrong usage, 3 nothing was found but
not everything was seen, 4 there are findings.`,
  );

await command.parseAsync(Deno.args, { from: "user" });
const [file] = command.processedArgs;
const { json = false } = command.opts();
await runMain(() => explainFile(file, json));
