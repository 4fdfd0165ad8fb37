#!/usr/bin/env -S deno run -A
/**
 * `deno task exporter`: watches every Kea of this host, for months, for Prometheus.
 *
 * @module
 */

import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import {
  newCommand,
  numberBetween,
  oneLine,
  resolveUserPath,
  runMain,
} from "../system/command_line.ts";
import { BY_OPTION, PROFILE_OPTION, slowness, TOP_OPTION } from "../probes/watch_options.ts";
import { HISTOGRAMS } from "./otlp/metrics_request.ts";
import { INTERVAL_SECONDS, otlpSettingsOfProcess } from "./otlp/settings.ts";
import { CHOICE } from "./watching/chosen_servers.ts";
import { runExporter } from "./watching/run_exporter.ts";
import { DEFAULT_ADDRESS } from "./web/start_web.ts";

const several = (value: string, before: string[]) => [...before, value];

/** A name that no server has would be waited for without an end. */
function chosenServers(text: string, before: string[]): string[] {
  if (CHOICE.test(text)) return several(text, before);
  throw new InvalidArgumentError(
    "Expected a process id, dhcp4, dhcp6 or a unit such as kea-dhcp4-server.service.",
  );
}

function webPath(text: string): string {
  if (/^\/[\w./~-]*$/.test(text)) return text;
  throw new InvalidArgumentError("Expected a path such as /metrics.");
}

function textfilePath(text: string): string {
  if (text.endsWith(".prom")) return resolveUserPath(text);
  throw new InvalidArgumentError(
    "Expected a name that ends in .prom: node_exporter reads no other.",
  );
}

const command = newCommand("exporter")
  .description(
    "Watch every Kea DHCP server of this host, and those that start later, and expose the metrics to " +
      "Prometheus (root).",
  )
  .addOption(
    new Option("--server <pid|unit|dhcp4|dhcp6...>", "watch these servers only")
      .argParser(chosenServers).default([] as string[], "all"),
  )
  .addOption(PROFILE_OPTION)
  .option("--reading <seconds>", "time between two readings", numberBetween(0.5, 10), 5)
  .addOption(
    new Option(
      "--web.listen-address <host:port|unix:path>",
      "where to listen; may be given several times",
    ).argParser(several).default([] as string[], DEFAULT_ADDRESS),
  )
  .option("--web.systemd-socket", "listen only on the sockets that systemd has opened")
  .option("--web.telemetry-path <path>", "where the metrics are", webPath, "/metrics")
  .option("--web.config.file <file>", "TLS, passwords and client certificates (YAML)")
  .option(
    "--slow <milliseconds|auto>",
    "list packets that take longer, their clients hashed; auto measures the p99.9 of each server first",
    slowness,
  )
  .addOption(TOP_OPTION)
  .addOption(BY_OPTION)
  .option("--redact", "hash the clients and relays of --top and --by")
  .addOption(
    new Option(
      "--exemplars <how>",
      "slow packets as exemplars; their transactions and clients leave this host, hashed or not",
    ).choices(["off", "hashed", "plain"] as const).default("off" as const),
  )
  .option(
    "--textfile <file>",
    "write the metrics at each reading for the textfile collector of node_exporter, and open no port " +
      "unless one is given",
    textfilePath,
  )
  .option(
    "--max-label-sets <number>",
    "most label sets of a metric",
    numberBetween(10, 10_000),
    200,
  )
  .option("--otlp <url>", "send OTLP to this base URL, too (or OTEL_EXPORTER_OTLP_ENDPOINT)")
  .option(
    "--otlp-interval <seconds>",
    "time between two requests (15)",
    numberBetween(...INTERVAL_SECONDS),
  )
  .addOption(new Option("--otlp-histograms <kind>", "kind of histograms").choices(HISTOGRAMS))
  .showHelpAfterError("(--help shows the options)")
  .addHelpText(
    "after",
    `
Examples:
  deno task exporter
  deno task exporter --server dhcp4 --profile light --web.listen-address 0.0.0.0:10047
  deno task exporter --top 10 --by relay --redact
  deno task exporter --otlp http://127.0.0.1:4318
  curl http://127.0.0.1:10047/metrics`,
  );

await command.parseAsync(Deno.args, { from: "user" });
const options = command.opts();
const otlp = rightUsage(() =>
  otlpSettingsOfProcess({
    url: options.otlp,
    intervalSeconds: options.otlpInterval,
    histograms: options.otlpHistograms,
  })
);
const { exemplars, textfile = null } = options;
// An exemplar is a slow packet.
const threshold = options.slow ?? (exemplars === "off" ? undefined : "auto");
const addresses = options["web.listenAddress"];
const isSocketActivated = options["web.systemdSocket"] === true;
// A file in place of a port, where no other address is given.
const usesDefault = addresses.length === 0 && !isSocketActivated && textfile === null;
await runMain(async () =>
  await runExporter({
    chosen: options.server,
    profile: options.profile,
    intervalMs: 1000 * options.reading,
    web: {
      addresses: usesDefault ? [DEFAULT_ADDRESS] : addresses,
      isSocketActivated,
      configFile: options["web.config.file"] ?? null,
    },
    path: options["web.telemetryPath"],
    limit: options.maxLabelSets,
    slow: threshold === undefined ? null : { threshold, redacts: exemplars !== "plain" },
    counting: { top: options.top, by: options.by, redacts: options.redact === true },
    hasExemplars: exemplars !== "off",
    textfile,
    otlp,
  })
);

/** What the options say; ends with status 2 where they cannot be used. */
function rightUsage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    return command.error(`error: ${oneLine(error)}`);
  }
}
