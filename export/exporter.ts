#!/usr/bin/env -S deno run -A
/**
 * `deno task exporter`: watches every Kea of this host, for months, for Prometheus.
 *
 * @module
 */

import { newCommand, numberBetween, runMain } from "../system/command_line.ts";
import { PROFILE_OPTION } from "../probes/watch_options.ts";
import { runExporter } from "./watching/run_exporter.ts";

const command = newCommand("exporter")
  .description(
    "Watch every Kea DHCP server of this host, and those that start later, and expose the metrics to " +
      "Prometheus (root).",
  )
  .option(
    "--server <pid|dhcp4|dhcp6...>",
    "watch these servers only",
    (value: string, before: string[]) => [...before, value],
    [] as string[],
  )
  .addOption(PROFILE_OPTION)
  .option("--reading <seconds>", "time between two readings", numberBetween(0.5, 10), 5)
  .option("--web.listen-address <host:port>", "where to listen", "127.0.0.1:10047")
  .option("--web.telemetry-path <path>", "where the metrics are", "/metrics")
  .option(
    "--max-label-sets <number>",
    "most label sets of a metric",
    numberBetween(10, 10_000),
    200,
  )
  .showHelpAfterError("(--help shows the options)")
  .addHelpText(
    "after",
    `
Examples:
  deno task exporter
  deno task exporter --server dhcp4 --profile light --web.listen-address 0.0.0.0:10047
  curl http://127.0.0.1:10047/metrics`,
  );

await command.parseAsync(Deno.args, { from: "user" });
const options = command.opts() as Record<string, unknown>;
await runMain(async () =>
  await runExporter({
    chosen: options["server"] as string[],
    profile: command.opts().profile,
    intervalMs: 1000 * (options["reading"] as number),
    address: options["web.listenAddress"] as string,
    path: options["web.telemetryPath"] as string,
    limit: options["maxLabelSets"] as number,
  })
);
