#!/usr/bin/env -S deno run -A
/**
 * `deno task bench:samples`: what one attached system call costs every process of the host, with and without
 * the perf samples that bpftrace's tracepoints make by default.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";
import { newCommand, numberBetween, runMain } from "../system/command_line.ts";
import { findBpftrace } from "../probes/bpftrace.ts";
import { stopSamples } from "../probes/perf_events.ts";
import { ensureInstalled } from "../tools/install/ensure_installed.ts";
import { estimate } from "./ratio.ts";

/** System calls of one measurement. */
const CALLS = 200_000;

/** A program that ignores every call, as ours do with calls of other processes. */
const PROGRAM = "tracepoint:syscalls:sys_enter_write /pid == 1/ { @calls = count(); } " +
  'BEGIN { printf("ready\\n"); }';

/** Time of one block that dd copies, a read and a write, on one CPU, nanoseconds. */
async function timeOfBlock(cpu: number): Promise<number> {
  const { stderr } = await new Deno.Command("taskset", {
    args: ["-c", String(cpu), "dd", "if=/dev/zero", "of=/dev/null", "bs=1", `count=${CALLS}`],
    env: { LC_ALL: "C" },
  }).output();
  const text = new TextDecoder().decode(stderr);
  const seconds = /copied, ([\d.e-]+) s/.exec(text)?.[1];
  if (seconds === undefined) throw new Error(`Cannot read the time that dd took from "${text}"`);
  return Number(seconds) * 1e9 / CALLS;
}

/** Measures while a bpftrace is attached. */
async function attached(cpu: number, samples: boolean): Promise<number> {
  const { command: [program, ...args] } = await findBpftrace();
  const child = new Deno.Command("setpriv", {
    args: ["--pdeathsig", "KILL", "--", program!, ...args, "-e", PROGRAM],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const output = child.stdout.getReader();
  try {
    await output.read();
    // BEGIN runs before the others are attached.
    await pause(500);
    if (!samples && stopSamples(child.pid) === 0) {
      throw new Error(
        "Cannot stop samples, this kernel does not allow it: expected Linux 5.6 or later",
      );
    }
    return await timeOfBlock(cpu);
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await output.cancel();
  }
}

const command = newCommand("bench:samples")
  .description("Measure what an attached system call costs each process of the host (root).")
  .option("--alternations <number>", "how many times each", numberBetween(2, 100), 9)
  .addHelpText(
    "after",
    "\nExamples:\n  deno task bench:samples\n  deno task bench:samples --alternations 20",
  );

await command.parseAsync(Deno.args, { from: "user" });
const { alternations } = command.opts();
await runMain(async () => {
  await ensureInstalled("monitor", false);
  for (const cpu of [0, 1]) {
    const ways = { "with samples": [] as number[], "without": [] as number[] };
    for (let turn = 0; turn < alternations; turn++) {
      const free = await timeOfBlock(cpu);
      ways["with samples"].push(await attached(cpu, true) - free);
      ways["without"].push(await attached(cpu, false) - free);
    }
    for (const [name, values] of Object.entries(ways)) {
      const { median, lower, upper } = estimate(values);
      const [m, l, u] = [median, lower, upper].map((value) => value.toFixed(0));
      console.log(
        `CPU ${cpu}  ${name.padEnd(14)}${m} ns more (${l}-${u}) for a write and a read`,
      );
    }
  }
  return 0;
});
