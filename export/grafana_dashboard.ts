#!/usr/bin/env -S deno run -A
/**
 * `deno task dashboard`: writes the dashboard for Grafana.
 *
 * @module
 */

import { replaceFile } from "../system/replace_file.ts";
import { newCommand, print, resolveUserPath, runMain } from "../system/command_line.ts";
import { keaDashboard } from "./grafana/kea_dashboard.ts";

const command = newCommand("dashboard")
  .description("Write the Grafana dashboard, as export/grafana/kea.json has it.")
  .option("-o, --output <file>", "file to write; standard output without it")
  .showHelpAfterError("(--help shows the options)")
  .addHelpText(
    "after",
    `
Examples:
  deno task -q dashboard -o export/grafana/kea.json
  deno task -q dashboard | diff export/grafana/kea.json -`,
  );

await command.parseAsync(Deno.args, { from: "user" });
const { output } = command.opts();
await runMain(async () => {
  const text = JSON.stringify(keaDashboard(), null, 2) + "\n";
  if (output === undefined) print(text);
  else await replaceFile(resolveUserPath(output), text);
  return 0;
});
