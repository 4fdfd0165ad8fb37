#!/usr/bin/env -S deno run -A
/**
 * `deno task live-pictures`: takes the README's pictures of the live view, in a real terminal and a real
 * run.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import { join } from "node:path";
import { newCommand, resolveUserPath, runMain, say } from "../system/command_line.ts";
import { replaceFile } from "../system/replace_file.ts";
import { terminalPicture } from "./terminal_picture.ts";
import { ensureInstalled } from "../tools/install/ensure_installed.ts";
import { CaughtSignals } from "../tools/lab/caught_signals.ts";
import { startLab } from "../tools/lab/lab.ts";
import { runPerfdhcp } from "../tools/lab/perfdhcp.ts";
import { Terminal } from "../tools/lab/terminal.ts";

const SIZES = [[80, 24], [200, 50]] as const;

const command = newCommand("live-pictures")
  .description(
    "Take the README's pictures of the live view: a real Kea, real traffic, tmux (root).",
  )
  .option("-o, --output <folder>", "where the SVG files go", "docs")
  .addHelpText(
    "after",
    "\nExamples:\n  deno task live-pictures\n  deno run -A docs/live_pictures.ts -o /tmp",
  );

await command.parseAsync(Deno.args, { from: "user" });
const folder = resolveUserPath(command.opts().output);
await runMain(async () => {
  await ensureInstalled("tests", true);
  await Deno.mkdir(folder, { recursive: true });
  const files = await Deno.makeTempDir();
  using signals = new CaughtSignals();
  try {
    await using lab = await startLab();
    const monitor = join(import.meta.dirname!, "../tools/kea_monitor_complete.ts");
    const run = [Deno.execPath(), "run", "-A", monitor, "--profile", "deep", "--duration", "60"];
    const args = ["--server", String(lab.pid), "-o", join(files, "run"), "--no-visualization"];
    await using terminal = await Terminal.open(
      ["env", "LANG=C.UTF-8", ...run, ...args].join(" "),
      ...SIZES[0],
    );
    await signals.during(async () => {
      await terminal.shows(/0:01, /, 30);
      const traffic = runPerfdhcp(lab, { rate: 150, exchanges: 2700 })
        .then(() => runPerfdhcp(lab, { rate: 400, exchanges: 8000, base: "00:0c:01:00:00:00" }));
      await terminal.shows(/0:32, /, 40);
      for (const [columns, rows] of SIZES) {
        await terminal.resize(columns, rows);
        await pause(1500);
        const picture = terminalPicture(await terminal.screen(true), columns);
        await replaceFile(join(folder, `live-${columns}x${rows}.svg`), picture);
      }
      await traffic;
      await terminal.press("q");
      await terminal.shows(/status 0/, 30);
    });
  } finally {
    await Deno.remove(files, { recursive: true });
  }
  say(`${folder}: ${SIZES.map((size) => `live-${size.join("x")}.svg`).join(", ")}`);
  return 0;
});
