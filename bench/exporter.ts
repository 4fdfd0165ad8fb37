#!/usr/bin/env -S deno run -A
/**
 * `deno task bench:exporter`: what the exporter takes at several loads: the share of a core and the memory of Deno
 * and of bpftrace, and the size and time of a scrape in each format.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import { FORMATS } from "../export/prometheus/negotiation.ts";
import { PROFILE_OPTION } from "../probes/watch_options.ts";
import {
  newCommand,
  numberBetween,
  oneLine,
  resolveUserPath,
  runMain,
} from "../system/command_line.ts";
import { ensureInstalled } from "../tools/install/ensure_installed.ts";
import { CaughtSignals, type Keep } from "../tools/lab/caught_signals.ts";
import { type Lab, startLab } from "../tools/lab/lab.ts";
import { runPerfdhcp } from "../tools/lab/perfdhcp.ts";
import { type Print, printerTo } from "./kept_lines.ts";
import { MeasuredExporter } from "./measured_exporter.ts";
import { median } from "./ratio.ts";

const command = newCommand("bench:exporter")
  .description("Measure what the exporter takes at several loads, each in a lab of its own (root).")
  .option(
    "--packets <number...>",
    "packets per second, sent and received",
    (value: string, before: number[] | undefined) => [
      ...before ?? [],
      numberBetween(0, 20_000)(value),
    ],
  )
  .option("--seconds <number>", "length of each load", numberBetween(15, 3600), 60)
  .option("--reading <seconds>", "time between two readings", numberBetween(0.5, 10), 5)
  .option(
    "-o, --output <file>",
    "the lines go to this file too",
    resolveUserPath,
    "bench-exporter.txt",
  )
  .addOption(PROFILE_OPTION)
  .addHelpText(
    "after",
    "\nExamples:\n  deno task bench:exporter\n" +
      "  deno task bench:exporter --packets 8000 --profile deep --seconds 300",
  );

/** The loads, without others. */
const PACKETS = [0, 1000, 8000];

/** A DORA has four. */
const PER_EXCHANGE = 4;

/** Time between two scrapes, milliseconds. */
const SCRAPE_MS = 15_000;

/** Scrapes of each format, for the table. */
const SCRAPES = 9;

/** Sends exchanges at a rate, to the end of a time. */
async function load(lab: Lab, packets: number, seconds: number): Promise<number> {
  if (packets === 0) {
    await pause(1000 * seconds);
    return 0;
  }
  const rate = packets / PER_EXCHANGE;
  const report = await runPerfdhcp(lab, {
    rate,
    exchanges: Math.round(rate * seconds),
    clients: 10_000,
  });
  return Object.values(report).reduce((sum, { sent, received }) => sum + sent + received, 0);
}

/** Scrapes as Prometheus does, until stopped. */
async function scrapeOn(exporter: MeasuredExporter, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await exporter.scrape(FORMATS.openmetrics);
    await pause(SCRAPE_MS, undefined, { signal }).catch(() => {});
  }
}

async function measure(
  packets: number,
  options: ReturnType<typeof command.opts>,
  print: Print,
  keep: Keep,
): Promise<void> {
  const { seconds, reading, profile } = options;
  const lab = await keep(startLab());
  const exporter = await keep(MeasuredExporter.start(lab, [
    ...["--reading", String(reading), "--profile", profile],
  ]));
  await exporter.untilReady();
  const stop = new AbortController();
  const scraping = scrapeOn(exporter, stop.signal);
  // The compiler and the first readings are not part of it.
  await load(lab, packets, 15);
  const [before, start] = [await exporter.cost(), performance.now()];
  const moved = await load(lab, packets, seconds);
  const [after, elapsed] = [await exporter.cost(), (performance.now() - start) / 1000];
  stop.abort();
  await scraping;
  const share = (cpu: number) => `${(100 * cpu / elapsed).toFixed(2)} %`.padStart(8);
  const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`.padStart(9);
  const [deno, bpftrace] = [
    after.exporter.cpu - before.exporter.cpu,
    after.bpftrace.cpu - before.bpftrace.cpu,
  ];
  const ended = after.ended - before.ended;
  print(
    `${Math.round(moved / elapsed)} packets/s, ${profile}, readings of ${reading} s: of a core ` +
      `${share(deno + bpftrace + ended)}: Deno ${share(deno)}, bpftrace ${share(bpftrace)}, ` +
      `other programs ${share(ended)}; anonymous memory` +
      `${mebibytes(after.exporter.memory + after.bpftrace.memory)}: ` +
      `Deno ${mebibytes(after.exporter.memory)}, bpftrace ${mebibytes(after.bpftrace.memory)}`,
  );
  for (const [format, accept] of Object.entries(FORMATS)) {
    const scrapes = [];
    for (let time = 0; time < SCRAPES; time++) scrapes.push(await exporter.scrape(accept));
    const milliseconds = median(scrapes.map((each) => each.milliseconds));
    print(
      `  a scrape in ${format}: ${scrapes[0]!.bytes} bytes, ${milliseconds.toFixed(1)} ms`,
    );
  }
}

await command.parseAsync(Deno.args, { from: "user" });
await runMain(async () => {
  await ensureInstalled("lab", false);
  using signals = new CaughtSignals();
  const { packets = PACKETS, ...options } = command.opts();
  const print = printerTo(options.output);
  let failures = 0;
  for (const each of packets) {
    // One load that cannot be made does not keep the others from being measured.
    await signals.during((keep) =>
      measure(each, { ...options, packets }, print, keep).catch((error) => {
        print(`${each} packets/s: ${oneLine(error)}`);
        failures++;
      })
    );
  }
  return failures === 0 ? 0 : 1;
});
