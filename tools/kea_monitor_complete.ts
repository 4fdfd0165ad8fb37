#!/usr/bin/env -S deno run -A
/**
 * `deno task monitor`: watches a running Kea server and shows how long packets take, where the time
 * goes, what is lost, and the monitoring overhead.
 *
 * Run it with `deno task monitor` or `deno run -A tools/kea_monitor_complete.ts`, as root.
 *
 * @module
 */

import {
  BY_OPTION,
  INTERVAL_OPTION,
  OUTPUT_OPTION,
  PROFILE_OPTION,
  SERVER_OPTION,
  slowness,
  TOP_OPTION,
} from "../probes/watch_options.ts";
import { monitor } from "./monitor/monitor.ts";
import { newCommand, numberBetween, resolveUserPath, runMain } from "../system/command_line.ts";

const command = newCommand("monitor")
  .description(
    "Watch a running Kea DHCP server with eBPF: no restart, no configuration change. " +
      "Stops after the duration, or with ^C, and keeps what was measured.",
  )
  .addOption(SERVER_OPTION)
  .addOption(PROFILE_OPTION)
  .option("--duration <seconds>", "how long to watch", numberBetween(1, 2_147_483), 300)
  .addOption(INTERVAL_OPTION)
  .addOption(OUTPUT_OPTION)
  .option(
    "--slow <milliseconds|auto>",
    "list every packet that takes longer; auto measures the p99.9 first",
    slowness,
  )
  .addOption(TOP_OPTION)
  .addOption(BY_OPTION)
  .option("--redact", "hash clients, relays and transaction ids")
  .option("--json", "print only the metrics document, on standard output")
  .option("--plan", "list the probes and their cost, attach nothing")
  .option("--no-traffic", "no hint how to send traffic from another machine")
  .option("--no-visualization", "no report and no charts")
  .option("--strict", "exit with status 3 when the verdict is PARTIAL")
  .showHelpAfterError("(--help shows the options)")
  .addHelpText(
    "after",
    `
Examples:
  deno task monitor                            watch the only Kea server for 5 minutes
  deno task monitor --plan --profile deep      what would deep attach, at what cost?
  deno task monitor --duration 60 --json > kea.json
  deno task monitor --slow auto --redact       which packets are slow, and at what stage?
  deno task monitor --top 10 --by relay        who sends most, and is one relay slow?
  deno task monitor --server dhcp4 --profile light -o /var/log/kea-monitor

Exit status: 0 done, 1 failed, 2 wrong usage, 3 done but PARTIAL (with --strict).`,
  );

await command.parseAsync(Deno.args, { from: "user" });
const { output, traffic: hint, ...options } = command.opts();
await runMain(() =>
  monitor({
    ...options,
    hint,
    json: options.json ?? false,
    plan: options.plan ?? false,
    redact: options.redact ?? false,
    strict: options.strict ?? false,
    ...(output === undefined ? {} : { output: resolveUserPath(output) }),
  })
);
