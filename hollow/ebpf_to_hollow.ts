#!/usr/bin/env -S deno run -A
/**
 * `deno task to-hollow`: pushes a capture or a metrics document to a Netflix Hollow dataset.
 *
 * @module
 */

import { runMain, say } from "../system/command_line.ts";
import { printRecords, pushFile } from "./push/push_file.ts";
import { clientFor, pushingCommand } from "./push/pushing_command.ts";

const command = pushingCommand("to-hollow")
  .description(
    "Push the windows of a capture or a metrics document to a Netflix Hollow producer. " +
      "A window that is pushed twice is stored once.",
  )
  .argument("<file>", "a capture or a metrics document; - for standard input")
  .option("--name <server>", "the server's name in the dataset (default: its host and kind)")
  .option("--dry-run", "print the records, one per line, push nothing")
  .addHelpText(
    "after",
    `
Examples:
  deno task to-hollow kea-monitor-dhcp4-20260101T120000Z/capture.ndjson -p http://127.0.0.1:8980/api
  deno task -q to-hollow metrics.json --dry-run | head
  HOLLOW_TOKEN=$(cat token) deno task to-hollow metrics.json -p https://hollow.example.com/api -d kea`,
  );

await command.parseAsync(Deno.args, { from: "user" });
const [file] = command.processedArgs;
const { name, dryRun, ...target } = command.opts();
await runMain(async () => {
  if (dryRun) await printRecords(file, name);
  else await pushFile(file, name, clientFor(command, target), say);
  return 0;
});
