#!/usr/bin/env -S deno run -A
/**
 * `deno task page-picture`: takes the picture of the exporter's page, in a real browser and a real run.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { replaceFile } from "../system/replace_file.ts";
import {
  newCommand,
  numberBetween,
  resolveUserPath,
  runMain,
  say,
} from "../system/command_line.ts";
import { ensureInstalled } from "../tools/install/ensure_installed.ts";
import { CaughtSignals } from "../tools/lab/caught_signals.ts";
import { type Lab, startLab } from "../tools/lab/lab.ts";
import { runPerfdhcp } from "../tools/lab/perfdhcp.ts";

/** Of a laptop; it shows the first charts. */
const SIZE = { width: 1280, height: 1000 };

/** Exchanges per second, one after the other. */
const RATES = [60, 200, 120, 350, 150];

/** Where the exporter listens. */
const ADDRESS = "127.0.0.1:10948";

const command = newCommand("page-picture")
  .description(
    "Take the picture of the exporter's page: a real Kea, real traffic, Chromium (root).",
  )
  .option("-o, --output <folder>", "where the PNG file goes", "docs")
  .option("--minutes <number>", "how long the traffic lasts", numberBetween(1, 60), 5)
  .addHelpText(
    "after",
    "\nExamples:\n  deno task page-picture\n  deno run -A docs/page_picture.ts --minutes 1 -o /tmp",
  );

await command.parseAsync(Deno.args, { from: "user" });
const { minutes, output } = command.opts();
const folder = resolveUserPath(output);
await runMain(async () => {
  await ensureInstalled("tests", true);
  await Deno.mkdir(folder, { recursive: true });
  using signals = new CaughtSignals();
  await using lab = await startLab();
  await signals.during(() => take(lab));
  say(join(folder, "live-page.png"));
  return 0;
});

async function take(lab: Lab): Promise<void> {
  const exporter = new Deno.Command("setpriv", {
    args: [
      ...["--pdeathsig", "KILL", "--", Deno.execPath(), "run", "-A"],
      ...[join(import.meta.dirname!, "../export/exporter.ts"), "--server", String(lab.pid)],
      ...["--profile", "deep", "--slow", "5", "--web.listen-address", ADDRESS],
    ],
    stdin: "null",
  }).spawn();
  try {
    while (!await isReady()) await pause(500);
    const send = (rate: number, turn: number) => {
      const exchanges = Math.round(rate * 60 * minutes / RATES.length);
      return runPerfdhcp(lab, { rate, exchanges, base: `00:0c:0${turn + 1}:00:00:00` });
    };
    for (const [turn, rate] of RATES.slice(0, -1).entries()) await send(rate, turn);
    const traffic = send(RATES.at(-1)!, RATES.length - 1);
    const browser = await chromium.launch({
      executablePath: "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu"],
    });
    try {
      const page = await browser.newPage({ viewport: SIZE });
      await page.goto(`http://${ADDRESS}/?server=dhcp4`);
      await page.locator("#memory svg:visible").waitFor({ timeout: 120_000 });
      await page.getByText("Live", { exact: true }).waitFor();
      // The picture is of the middle of the last traffic.
      await Promise.race([traffic, pause(30_000 * minutes / RATES.length)]);
      await replaceFile(join(folder, "live-page.png"), await page.screenshot());
    } finally {
      await browser.close();
      await traffic;
    }
  } finally {
    exporter.kill("SIGTERM");
    await exporter.status;
  }
}

async function isReady(): Promise<boolean> {
  try {
    const { status, body } = await fetch(`http://${ADDRESS}/-/ready`);
    await body?.cancel();
    return status === 200;
  } catch {
    return false;
  }
}
