#!/usr/bin/env -S deno run -A
/**
 * `deno task bench:accuracy`: sends a prime number of exchanges, and compares every count with perfdhcp's and
 * Kea's own.
 *
 * @module
 */

import { Option } from "@commander-js/extra-typings";
import { findBpftrace } from "../probes/bpftrace.ts";
import { PROFILES } from "../probes/programs.ts";
import { compareCounts } from "../tools/lab/counts.ts";
import { newCommand, numberBetween, runMain } from "../system/command_line.ts";
import { ensureInstalled } from "../tools/install/ensure_installed.ts";
import { CaughtSignals } from "../tools/lab/caught_signals.ts";
import { startLab } from "../tools/lab/lab.ts";

const command = newCommand("bench:accuracy")
  .description("Compare every count with perfdhcp's and Kea's own (root).")
  .option("--exchanges <number>", "how many, best a prime number", numberBetween(1, 500_000), 9973)
  .option("--rate <number>", "exchanges per second", numberBetween(1, 5000), 1000)
  .option("--threads <number>", "worker threads of Kea, 0 for none", numberBetween(0, 64), 2)
  .addOption(
    new Option("--sockets <kind>", "DHCP sockets").choices(["raw", "udp"] as const).default(
      "raw" as const,
    ),
  )
  .addOption(
    new Option("--profile <name>", "how much is probed").choices(PROFILES).default(
      "standard" as const,
    ),
  )
  .addHelpText(
    "after",
    "\nExamples:\n  deno task bench:accuracy\n" +
      "  deno task bench:accuracy --sockets udp --threads 0 --rate 200 --exchanges 997\n\n" +
      "Exit status: 0 every count is equal, 1 one is not.",
  );

if (import.meta.main) {
  await command.parseAsync(Deno.args, { from: "user" });
  const { exchanges, rate, threads, sockets, profile } = command.opts();
  await runMain(async () => {
    await ensureInstalled("lab", false);
    using signals = new CaughtSignals();
    await using lab = await startLab({ threads, sockets });
    const { document, rows } = await signals.during(async () =>
      await compareCounts(lab, {
        ...{ profile, rate, exchanges },
        bpftrace: await findBpftrace(),
        say: (line) => console.error(line),
      })
    );
    for (const { what, ours, theirs, whose } of rows) {
      const verdict = ours === theirs ? "equal" : `DIFFERENT by ${ours - theirs}`;
      console.log(
        `${what.padEnd(32)} ${String(ours).padStart(7)}  ${verdict.padEnd(10)} ${whose} ${theirs}`,
      );
    }
    console.log(`verdict ${document.capture.verdict} ${document.capture.reasons.join("; ")}`);
    return rows.every(({ ours, theirs }) => ours === theirs) ? 0 : 1;
  });
}
