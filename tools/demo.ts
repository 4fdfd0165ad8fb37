#!/usr/bin/env -S deno run -A
/**
 * `deno task demo`: a real Kea, real traffic, and the monitor, in about 20 s.
 *
 * @module
 */

import { newCommand, runMain, say } from "../system/command_line.ts";
import { ensureInstalled } from "./install/ensure_installed.ts";
import { CaughtSignals } from "./lab/caught_signals.ts";
import { startLab } from "./lab/lab.ts";
import { runPerfdhcp } from "./lab/perfdhcp.ts";
import { monitor } from "./monitor/monitor.ts";

const command = newCommand("demo")
  .description(
    "Start a Kea on this machine, send it 997 exchanges at 100 per second, watch it, and show what " +
      "was measured (root). Missing packages are installed first.",
  )
  .addHelpText("after", "\nExamples:\n  ./denow task demo\n  deno run -A tools/demo.ts");

await command.parseAsync(Deno.args, { from: "user" });
await runMain(async () => {
  await ensureInstalled("lab", true);
  // Caught while the lab exists; the monitor handles them itself.
  using _signals = new CaughtSignals();
  await using lab = await startLab();
  const { promise: ready, resolve: onReady } = Promise.withResolvers<void>();
  const watching = monitor({
    server: String(lab.pid),
    profile: "standard",
    duration: 14,
    interval: 1,
    json: false,
    plan: false,
    strict: true,
    visualization: true,
    hint: false,
    onReady,
  });
  // If the monitor cannot start, its own error is shown.
  await Promise.race([ready, watching]);
  const report = await runPerfdhcp(lab, { rate: 100, exchanges: 997 });
  const status = await watching;
  for (const [exchange, { sent, received }] of Object.entries(report)) {
    say(`perfdhcp: ${exchange}: ${sent} sent, ${received} answered`);
  }
  return status;
});
