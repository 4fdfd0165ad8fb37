#!/usr/bin/env -S deno run -A
/**
 * `deno task hollow-producer`: the ingest service with Netflix's own Hollow library, in Java.
 *
 * @module
 */

import { newCommand, numberBetween, runMain } from "../system/command_line.ts";
import { onEndSignals } from "../system/signals.ts";
import { ensureProducer } from "./producer/ensure_producer.ts";

/** The same options as the producer's own (Main.java), which gets the command line unchanged. */
const command = newCommand("hollow-producer")
  .description(
    "Accept metrics of Kea servers over HTTP into Netflix Hollow datasets (Java 17 or later, Maven). " +
      "The first line on standard output is the base URL, for -p of to-hollow and hollow-monitor.",
  )
  .option("--port <port>", "TCP port; 0 for any free port", numberBetween(0, 65_535), 8980)
  .option("--listen <address>", "address; needs a token unless it is a loopback one", "127.0.0.1")
  .option("--data <folder>", "folder for the datasets, one folder each", "hollow-data")
  .option("--token-file <file>", "file with the token that clients must send (or set HOLLOW_TOKEN)")
  .option(
    "--windows <number>",
    "windows to keep per server; 288 of 5 minutes are a day",
    numberBetween(1, 1e6),
    288,
  )
  .option("--max-records <number>", "most records in a dataset", numberBetween(1, 1e8), 1e6)
  .option(
    "--max-body <bytes>",
    "most bytes in a request",
    numberBetween(1, 2 ** 30),
    2 ** 24,
  )
  .showHelpAfterError("(--help shows the options)")
  .addHelpText(
    "after",
    `
Examples:
  deno task hollow-producer
  deno task hollow-producer --listen 0.0.0.0 --token-file /etc/kea-hollow/token --data /var/lib/kea-hollow`,
  );

await command.parseAsync(Deno.args, { from: "user" });
await runMain(async () => {
  const { jar } = await ensureProducer();
  const java = ["java", "-XX:+ExitOnOutOfMemoryError", "-jar", jar, ...Deno.args];
  // It gets SIGTERM when this process is killed.
  const [program, ...args] = Deno.build.os === "linux"
    ? ["setpriv", "--pdeathsig", "TERM", "--", ...java]
    : java;
  const child = new Deno.Command(program!, {
    args,
    cwd: Deno.env.get("INIT_CWD") ?? Deno.cwd(),
  }).spawn();
  onEndSignals((signal) => {
    try {
      child.kill(signal);
    } catch {
      // It has ended already.
    }
  });
  return (await child.status).code;
});
