#!/usr/bin/env -S deno run -A
/**
 * `deno task to-prometheus`: the totals of a capture or a metrics document as text for Prometheus.
 *
 * @module
 */

import { Option } from "@commander-js/extra-typings";
import { readInput } from "../metrics/input/read_input.ts";
import { newCommand, print, resolveUserPath, runMain } from "../system/command_line.ts";
import { replaceFile } from "../system/replace_file.ts";
import { exposed } from "./prometheus/exposed.ts";

const command = newCommand("to-prometheus")
  .description(
    "Print the totals of a capture or a metrics document as text that Prometheus reads: for a look, or " +
      "for the textfile collector of node_exporter.",
  )
  .argument("<file>", "a capture or a metrics document; - for standard input")
  .option("-o, --output <file>", "where the text goes (default: standard output)")
  .option("--name <name>", "the label server (default: the server's kind, dhcp4 or dhcp6)")
  .addOption(
    new Option("--buckets <number>", "histogram buckets per power of two")
      .choices(["1", "2", "4", "8"] as const).default("2" as const),
  )
  .option("--openmetrics", "as OpenMetrics 1.0 in place of text 0.0.4")
  .showHelpAfterError("(--help shows the options)")
  .addHelpText(
    "after",
    `
Examples:
  deno task -q to-prometheus kea-monitor-dhcp4-20260101T120000Z/metrics.json
  deno task -q to-prometheus capture.ndjson -o /var/lib/prometheus/node-exporter/kea.prom`,
  );

await command.parseAsync(Deno.args, { from: "user" });
const { output, name, buckets, openmetrics = false } = command.opts();
await runMain(async () => {
  const text = exposed(await readInput(command.processedArgs[0]), {
    ...name === undefined ? {} : { name },
    format: openmetrics ? "openmetrics" : "prometheus",
    bucketsPerOctave: Number(buckets) as 1 | 2 | 4 | 8,
  });
  if (output === undefined) print(text);
  else await replaceFile(resolveUserPath(output), text);
  return 0;
});
