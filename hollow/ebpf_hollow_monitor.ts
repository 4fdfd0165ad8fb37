#!/usr/bin/env -S deno run -A
/**
 * `deno task hollow-monitor`: watches a running Kea server and pushes every window to a Netflix
 * Hollow dataset, for months.
 *
 * @module
 */

import { join } from "node:path";
import { numberBetween, resolveUserPath, runMain } from "../system/command_line.ts";
import { ownFolder } from "../system/own_folder.ts";
import { PROFILE_OPTION, SERVER_OPTION } from "../probes/watch_options.ts";
import { hollowMonitor } from "./monitor/hollow_monitor.ts";
import { clientFor, pushingCommand } from "./push/pushing_command.ts";

const command = pushingCommand("hollow-monitor")
  .description(
    "Watch a running Kea server and push every window to a Netflix Hollow producer, until ^C (root). " +
      "While the producer is down, windows wait on disk, also across restarts.",
  )
  .option("-i, --interval <seconds>", "length of a window", numberBetween(1, 86_400), 300)
  .addOption(SERVER_OPTION)
  .addOption(PROFILE_OPTION)
  .option("--name <server>", "the server's name in the dataset (default: its host and kind)")
  .option(
    "--spool <folder>",
    "where windows wait (default: one folder for each name, dataset and producer)",
  )
  .option("-v, --verbose", "print a line for each window")
  .addHelpText(
    "after",
    `
Examples:
  deno task hollow-monitor -p http://127.0.0.1:8980/api
  deno task hollow-monitor -p https://hollow.example.com/api -d kea --token-file /etc/kea-hollow/token
  deno task hollow-monitor -p http://127.0.0.1:8980/api -i 60 --profile light -v`,
  );

/** The folder for one name, dataset and producer. */
async function defaultSpool(parts: readonly string[]): Promise<string> {
  const text = new TextEncoder().encode(JSON.stringify(parts));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", text)).toHex();
  return join(ownFolder("state"), "spool", digest.slice(0, 16));
}

await command.parseAsync(Deno.args, { from: "user" });
const { interval, server, profile, name, spool, verbose, ...target } = command.opts();
await runMain(async () => {
  const client = clientFor(command, target);
  return await hollowMonitor({
    client,
    profile,
    interval,
    verbose: verbose ?? false,
    ...(server === undefined ? {} : { server }),
    ...(name === undefined ? {} : { name }),
    spool: async (as) =>
      spool === undefined
        ? await defaultSpool([client.base, target.dataset, as])
        : resolveUserPath(spool),
  });
});
