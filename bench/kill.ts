#!/usr/bin/env -S deno run -A
/**
 * `deno task bench:kill`: kills what watches a Kea, and what it depends on, at random moments, and counts what that costs:
 * finished windows that are lost, probes that are left, servers that are harmed.
 *
 * @module
 */

import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import {
  newCommand,
  numberBetween,
  oneLine,
  resolveUserPath,
  runMain,
} from "../system/command_line.ts";
import { mulberry32 } from "../system/mulberry32.ts";
import { postmasterOf } from "../tests/e2e/explained.ts";
import { must, runs, until } from "../tests/e2e/run_script.ts";
import { ensureInstalled } from "../tools/install/ensure_installed.ts";
import { CaughtSignals, type Keep } from "../tools/lab/caught_signals.ts";
import { Scene } from "./kill_scene.ts";
import { type Print, printerTo } from "./kept_lines.ts";
import { median } from "./ratio.ts";

const command = newCommand("bench:kill")
  .description(
    "Kill monitors, bpftrace, Kea, its database and the producer at random moments (root), and count what is lost.",
  )
  .option("--moments <number>", "how many", numberBetween(1, 100_000), 100)
  .option("--rate <number>", "exchanges per second", numberBetween(1, 2000), 100)
  .option("--seed <number>", "of the moments and victims", numberBetween(0, 2 ** 31), 1)
  .option("-o, --output <file>", "the lines go to this file too", resolveUserPath, "kill.txt")
  .addHelpText(
    "after",
    "\nExamples:\n  deno task bench:kill\n  deno task bench:kill --moments 9 --seed 7\n\n" +
      "Exit status: 0 nothing was lost, left or harmed, 1 something was.",
  );

/** Between two faults, milliseconds: windows end, and restarts are in the middle of something. */
const [SOONEST, LATEST] = [500, 6000];

/** What happens, by the victim. What must be repaired is, and what has ended is started again. */
const FAULTS: Readonly<Record<string, (scene: Scene, random: () => number) => Promise<unknown>>> = {
  "monitor": ({ monitor }) => again(monitor),
  "hollow-monitor": ({ hollow }) => again(hollow),
  "exporter": ({ exporter }) => again(exporter),

  "bpftrace": async ({ watchers }, random) => {
    const watcher = watchers[Math.floor(random() * watchers.length)]!;
    const pid = await watcher.bpftrace();
    if (pid === null) return;
    Deno.kill(pid, "SIGKILL");
    await until(() => !runs(pid), "bpftrace is gone");
  },

  "Kea": async ({ lab }) => {
    const { pid } = lab;
    Deno.kill(pid, "SIGKILL");
    await until(() => !runs(pid), "Kea is gone");
    await lab.restart();
  },

  "database": async ({ lab }, random) => {
    const pid = await postmasterOf(lab);
    Deno.kill(pid, "SIGKILL");
    await until(() => !runs(pid), "the database is gone");
    await pause(3000 * random());
    await lab.database!.start();
  },

  "producer": (scene) => scene.replaceProducer(),

  "full disk": async ({ disk, monitor }) => {
    const rest = join(disk, "rest");
    await must("sh", "-c", 'dd if=/dev/zero of="$1" bs=64k 2>&1 || :', "sh", rest);
    const { code, stderr } = await monitor.left();
    await Deno.remove(rest);
    if (code !== 1 || !/^error: .*No space left/m.test(stderr)) {
      throw new Error(`monitor on a full disk ended with status ${code}: ${oneLine(stderr)}`);
    }
    await monitor.start();
  },

  "read-only disk": async ({ disk, monitor }) => {
    await monitor.end("SIGKILL");
    await must("mount", "-o", "remount,ro", disk);
    await monitor.start();
    const { code, stderr } = await monitor.left();
    await must("mount", "-o", "remount,rw", disk);
    if (code !== 1 || !/^error: .*[Rr]ead-only/m.test(stderr)) {
      throw new Error(`monitor on a read-only disk ended with status ${code}: ${oneLine(stderr)}`);
    }
    await monitor.start();
  },
};

/** Kills a watcher, and starts it again. */
async function again(watcher: Scene["monitor"]): Promise<void> {
  await watcher.end("SIGKILL");
  await watcher.start();
}

/** What faults of one kind have done. */
interface Row {
  /** Seconds until all watched again. */
  readonly seconds: number[];
  /** Finished windows of the monitor. */
  windows: number;
  lost: number;
  harmed: number;
  failures: number;
}

/** Makes a fault, waits until all is well again, and adds what it did. */
async function strike(scene: Scene, fault: string, random: () => number, row: Row): Promise<void> {
  const { lab } = scene;
  await scene.noteFinished();
  const [before, server, start] = [await scene.windows(), lab.pid, performance.now()];
  const capture = scene.capture;
  await FAULTS[fault]!(scene, random);
  row.windows += before;
  row.lost += Math.max(0, before - await scene.windows(capture));
  if (fault !== "Kea" && !runs(server)) row.harmed++;
  await scene.untilServing();
  // A monitor that lost its server, or its bpftrace twice within a minute, ends as it says.
  for (const watcher of scene.watchers) {
    if (watcher.isOver) await watcher.start();
    await watcher.untilWatching();
  }
  row.seconds.push((performance.now() - start) / 1000);
}

async function kill(
  { moments, rate, seed }: {
    readonly moments: number;
    readonly rate: number;
    readonly seed: number;
  },
  print: Print,
  keep: Keep,
): Promise<boolean> {
  const random = mulberry32(seed);
  const scene = await keep(Scene.start(rate));
  const rows = new Map<string, Row>();
  const names = Object.keys(FAULTS);
  for (let moment = 0; moment < moments; moment++) {
    await pause(SOONEST + (LATEST - SOONEST) * random());
    // Each as often as the others, in an order of chance.
    if (moment % names.length === 0) names.sort(() => random() - 0.5);
    const fault = names[moment % names.length]!;
    const row = rows.getOrInsertComputed(
      fault,
      () => ({ seconds: [], windows: 0, lost: 0, harmed: 0, failures: 0 }),
    );
    try {
      await strike(scene, fault, random, row);
      print(`${moment + 1} of ${moments}: ${fault}, ${row.seconds.at(-1)!.toFixed(1)} s`);
    } catch (error) {
      row.failures++;
      print(`${moment + 1} of ${moments}: ${fault}: ${oneLine(error)}`);
    }
  }
  const dataset = await scene.windowsInDataset();
  for (const watcher of scene.watchers) await watcher.end("SIGKILL");
  const left = await scene.changedBytes();
  for (const [fault, { seconds, windows, lost, harmed, failures }] of rows) {
    const again = seconds.length === 0
      ? ""
      : `; all watched again after ${median(seconds).toFixed(1)} s, at most ${
        Math.max(...seconds).toFixed(1)
      } s`;
    print(
      `${fault}: ${
        seconds.length + failures
      } times, ${lost} of ${windows} finished windows lost, ` +
        `${harmed} servers harmed, ${failures} failures${again}`,
    );
  }
  print(
    `${dataset.lost} of ${dataset.finished} finished windows are not in the dataset; ` +
      `${left} bytes of the server's code are changed`,
  );
  return dataset.lost === 0 && left === 0 &&
    rows.values().every(({ lost, harmed, failures }) => lost + harmed + failures === 0);
}

await command.parseAsync(Deno.args, { from: "user" });
await runMain(async () => {
  const { output, ...options } = command.opts();
  await ensureInstalled("tests", false);
  using signals = new CaughtSignals();
  return await signals.during((keep) => kill(options, printerTo(output), keep)) ? 0 : 1;
});
