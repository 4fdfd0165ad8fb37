#!/usr/bin/env -S deno run -A
/**
 * `deno task find-symbols`: the functions worth probing in a Kea server, where, and at what cost.
 *
 * Run it with `deno task find-symbols` or `deno run -A discovery/find_available_functions.ts`.
 *
 * @module
 */

import { printOf, programCommand } from "./program_command.ts";
import { hookPointsOf } from "./hook_points.ts";
import { proveSites } from "./sites/prove.ts";
import { GROUPS, siteReport, siteReportText, symbolOf } from "./sites/site_report.ts";
import { demangle } from "./code/demangle.ts";

const command = programCommand("find-symbols")
  .description(
    "Show the functions worth probing in a Kea server, by metric: the verified addresses in its " +
      "executable and libraries, how the kernel executes the instruction there, and the cost of a hit. " +
      "Nothing is attached, and no program of the server is run.",
  )
  .option("--hooks", "also show the hook points by number, from the memory of a running server")
  .addHelpText(
    "after",
    `
Examples:
  deno task find-symbols                          of the only server that runs
  deno task find-symbols --server dhcp4 --hooks
  deno task find-symbols --executable /usr/sbin/kea-dhcp4 --json`,
  );

await command.parseAsync(Deno.args, { from: "user" });
const options = command.opts();
await printOf(options, async (program) => {
  const [search, hookPoints] = await Promise.all([
    proveSites(program, GROUPS),
    options.hooks ? hookPointsOf(program) : undefined,
  ]);
  const words = await demangle(search.sites.map(symbolOf));
  const report = siteReport(program, search, words, hookPoints);
  return options.json ? JSON.stringify(report, null, 2) : siteReportText(report);
});
