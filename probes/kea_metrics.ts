#!/usr/bin/env -S deno run -A
/**
 * `deno task probe`: plans, attaches, and prints one JSON line per window, until its time is over or ^C. It
 * is for pipes and scripts; people use `deno task monitor`.
 *
 * @module
 */

import { Option } from "@commander-js/extra-typings";
import { newCommand, numberBetween, print, runMain, say } from "../system/command_line.ts";
import { DocumentBuilder } from "../metrics/document_builder.ts";
import { chooseServer } from "../discovery/servers.ts";
import { printableJson } from "../system/printable.ts";
import { onEndSignals } from "../system/signals.ts";
import { findBpftrace } from "./bpftrace.ts";
import { printedProgram } from "./printed_program.ts";
import { requireHost } from "./requirements.ts";
import { inThisProcess } from "./prepare.ts";
import { watch } from "./watch.ts";
import {
  BY_OPTION,
  INTERVAL_OPTION,
  PROFILE_OPTION,
  SERVER_OPTION,
  TOP_OPTION,
} from "./watch_options.ts";

const command = newCommand("probe")
  .description(
    "Attach to a running Kea and print each window as one line of JSON (a window of the metrics " +
      "document) on standard output.",
  )
  .addOption(SERVER_OPTION)
  .addOption(PROFILE_OPTION)
  .option("--duration <seconds>", "how long to watch", numberBetween(1, 2_147_483), 300)
  .addOption(INTERVAL_OPTION)
  .addOption(TOP_OPTION)
  .addOption(BY_OPTION)
  .option("--redact", "hash the clients and relays of --top and --by")
  .addOption(
    new Option("--print-program", "print the bpftrace program for the server, attach nothing")
      .conflicts(["top", "by"]),
  )
  .showHelpAfterError("(--help shows the options)")
  .addHelpText(
    "after",
    `
Examples:
  deno task -q probe --duration 10
  deno task -q probe | jq -c '.series[] | select(.metric == "packet_processing_time")'
  deno task -q probe --profile deep --print-program > program.bt     its first lines say how to run it`,
  );

/** Prints windows; the watch ends when the reader is gone. */
async function probe(options: ReturnType<typeof command.opts>): Promise<void> {
  requireHost();
  const bpftrace = await findBpftrace();
  const server = await chooseServer(options.server);
  const profile = options.profile;
  const intervalMs = options.interval * 1000;
  if (options.printProgram) {
    print(await printedProgram(server, profile, bpftrace, intervalMs));
    return;
  }
  const stop = new AbortController();
  onEndSignals(() => stop.abort());
  const windows = new DocumentBuilder();
  for await (
    const record of watch({
      server,
      profile,
      bpftrace,
      intervalMs,
      durationMs: options.duration * 1000,
      preparation: inThisProcess(),
      signal: stop.signal,
      say,
      ...{ top: options.top, by: options.by, redacts: options.redact === true },
    })
  ) {
    const window = windows.next(record);
    if (window === null || stop.signal.aborted) continue;
    try {
      print(`${printableJson(JSON.stringify(window))}\n`);
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      stop.abort();
    }
  }
}

if (import.meta.main) {
  await command.parseAsync(Deno.args, { from: "user" });
  await runMain(async () => {
    await probe(command.opts());
    return 0;
  });
}
