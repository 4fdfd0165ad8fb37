#!/usr/bin/env -S deno run -A
/**
 * `deno task bench:switches`: what the programs of packets' waits cost every context switch of the host.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import { newCommand, numberBetween, runMain } from "../system/command_line.ts";
import { bpftraceOf } from "../tools/lab/kea_builds.ts";
import { startLab } from "../tools/lab/lab.ts";
import { runPerfdhcp } from "../tools/lab/perfdhcp.ts";
import { watchWhile } from "../tools/lab/watch_while.ts";
import { ensureInstalled } from "../tools/install/ensure_installed.ts";

/** Whether the kernel measures how long programs run; that itself adds some 20 ns to each run. */
const STATS = "/proc/sys/kernel/bpf_stats_enabled";

/** Runs of a BPF program so far, and nanoseconds in them. */
interface Runs {
  readonly count: number;
  readonly ns: number;
}

/** The runs of this process's descendants' programs, by the program's number. */
async function runsOf(server: number): Promise<Map<string, Runs>> {
  const found = new Map<string, Runs>();
  const pids = [...Deno.readDirSync("/proc")].map(({ name }) => name).filter(Number);
  for (const pid of pids) {
    const line = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
    if (!line.includes(`pid == ${server}`) || !/^[^\0]*bpftrace\0/.test(line)) continue;
    for (const { name } of Deno.readDirSync(`/proc/${pid}/fdinfo`)) {
      const text = await Deno.readTextFile(`/proc/${pid}/fdinfo/${name}`).catch(() => "");
      const number = (field: string) => new RegExp(`^${field}:\\s*(\\d+)`, "m").exec(text)?.[1];
      const id = number("prog_id");
      if (id === undefined) continue;
      found.set(id, { count: Number(number("run_cnt")), ns: Number(number("run_time_ns")) });
    }
  }
  return found;
}

async function contextSwitches(): Promise<number> {
  return Number(/^ctxt (\d+)$/m.exec(await Deno.readTextFile("/proc/stat"))![1]);
}

const command = newCommand("bench:switches")
  .description("Measure what packets' waits cost each context switch of the host (root).")
  .option("--rate <number>", "exchanges per second", numberBetween(1, 5000), 300)
  .option("--seconds <number>", "how long to measure", numberBetween(1, 600), 10)
  .addHelpText(
    "after",
    "\nExamples:\n  deno task bench:switches\n  deno task bench:switches --rate 1000",
  );

await command.parseAsync(Deno.args, { from: "user" });
const { rate, seconds } = command.opts();
await runMain(async () => {
  await ensureInstalled("lab", false);
  await using lab = await startLab();
  const { result } = await watchWhile(
    lab,
    { profile: "deep", bpftrace: await bpftraceOf("2.2") },
    async () => {
      const traffic = runPerfdhcp(lab, { rate, exchanges: Math.round(rate * (seconds + 3)) });
      await pause(1000);
      const setting = await Deno.readTextFile(STATS);
      try {
        await Deno.writeTextFile(STATS, "1");
        const before = [await contextSwitches(), await runsOf(lab.pid)] as const;
        await pause(seconds * 1000);
        const after = [await contextSwitches(), await runsOf(lab.pid)] as const;
        await traffic;
        return { before, after };
      } finally {
        await Deno.writeTextFile(STATS, setting.trim());
      }
    },
  );
  const [switches, later] = result.after;
  const perSecond = (switches - result.before[0]) / seconds;
  const runs = Array.from(later, ([id, { count, ns }]) => {
    const earlier = result.before[1].get(id) ?? { count, ns };
    return { count: count - earlier.count, ns: ns - earlier.ns };
  }).toSorted((a, b) => b.count - a.count);
  console.log(`${perSecond.toFixed(0)} context switches per second on the host`);
  // No other programs run as often.
  for (const [index, name] of ["sched_switch", "sched_waking"].entries()) {
    const { count, ns } = runs[index]!;
    console.log(
      `${name.padEnd(13)}${(count / seconds).toFixed(0).padStart(8)} runs per second, ` +
        `${(ns / count).toFixed(0)} ns of BPF each`,
    );
  }
  return 0;
});
