#!/usr/bin/env -S deno run -A
/**
 * `deno task run`: watches a Kea server and sends it traffic, with a ledger of every packet.
 *
 * @module
 */

import { Option } from "@commander-js/extra-typings";
import { newCommand, resolveUserPath, runMain } from "../system/command_line.ts";
import {
  INTERVAL_OPTION,
  OUTPUT_OPTION,
  PROFILE_OPTION,
  SERVER_OPTION,
} from "../probes/watch_options.ts";
import { LEASE_TYPES, TrafficError, trafficOptions } from "./dras_wrapper.ts";
import { runWithTraffic } from "./traffic/run_with_traffic.ts";

const lab = (name: string) => Deno.env.get(`KEA_LAB_${name}`);

const command = newCommand("run")
  .description(
    "Watch a Kea server and send it traffic: attach all probes, send, stop after the last answer. A " +
      "ledger shows where every packet went. In a lab, the defaults are its server and client.",
  )
  .option("-n, --count <number>", "exchanges, four packets each", "1000")
  .option("-r, --rate <number>", "exchanges per second", "50")
  .option("-t, --time <seconds>", "longest time (default: no limit)")
  .option("-s, --scenario <name>", "lease, renew or release", "lease")
  .addOption(
    new Option("-e, --lease-type <type>", "what DHCPv6 clients ask for")
      .choices(LEASE_TYPES).default("address-only" as const),
  )
  .option(
    "-d, --target <address>",
    "where to send: an address (default: the server's own); DHCPv6: all, as clients on the link " +
      "(default), or an address, as a relay",
  )
  .option("-i, --interface <name>", "where to send from (default: the route's)")
  .option("--client-netns <name>", "network namespace to send from; perfdhcp needs one")
  .addOption(new Option("--engine <name>", "the program that sends").choices(["dras", "perfdhcp"]))
  .option("--dras <path>", "where Dras is")
  .option("--yes", "allow more than 1000 exchanges per second, or a public address")
  .addOption(SERVER_OPTION)
  .addOption(PROFILE_OPTION)
  .addOption(INTERVAL_OPTION)
  .addOption(OUTPUT_OPTION)
  .option("--json", "print only the metrics document, on standard output")
  .option("--no-visualization", "no report and no charts")
  .option("--strict", "exit with status 3 when the verdict is PARTIAL")
  .showHelpAfterError("(--help shows the options)")
  .addHelpText(
    "after",
    `
Examples:
  deno task lab -- ./denow task run -n 1009 -r 100
  deno task lab --family 6 -- ./denow task run -n 1009 -r 100 -e address-and-prefix
  deno task run --client-netns clients -d 10.0.0.1 -n 5000 -r 200
  deno task -q run --client-netns clients -n 1000 --json > kea.json

Exit status: 0 done, 1 failed, 2 wrong usage, 3 done but PARTIAL (with --strict).`,
  );

await command.parseAsync(Deno.args, { from: "user" });
const { output, ...options } = command.opts();
let load: ReturnType<typeof trafficOptions>;
try {
  load = trafficOptions({ ...options, server: options.target ?? "", yes: options.yes ?? false });
} catch (error) {
  if (!(error instanceof TrafficError)) throw error;
  command.error(`error: ${error.message}`);
}
await runMain(() =>
  runWithTraffic({
    load: { ...load, target: options.target ?? null },
    clientNetns: options.clientNetns ?? lab("CLIENT_NETNS") ?? null,
    profile: options.profile,
    interval: options.interval,
    json: options.json ?? false,
    strict: options.strict ?? false,
    visualization: options.visualization,
    ...(options.server === undefined ? {} : { server: options.server }),
    ...(output === undefined ? {} : { output: resolveUserPath(output) }),
  })
);
