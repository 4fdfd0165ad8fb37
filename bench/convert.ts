#!/usr/bin/env -S deno run -A
/**
 * `deno task bench:convert`: how fast a capture of an hour becomes a document, and in how much memory.
 *
 * @module
 */

import { Command } from "npm:@commander-js/extra-typings@15.1.0";
import { join } from "node:path";
import { exitWith, numberBetween } from "../command_line.ts";
import { parseRecord } from "../metrics/capture.ts";
import { captureOfAnHour } from "./capture_of_an_hour.ts";
import { estimate } from "./ratio.ts";

const HERE = import.meta.dirname!;
const HEADER = join(HERE, "../tests/metrics/fixtures/kea-2.2.0-bpftrace-0.17.0-deep.ndjson");

const command = new Command("bench:convert")
  .description(
    "Convert a capture of an hour, 1 s windows, about 200 MB, with to-json and, in turn, add up its\n" +
      "totals with a straightforward Python script and its json module.",
  )
  .option("--alternations <number>", "each so many times", numberBetween(2, 50), 7)
  .allowExcessArguments(false)
  .addHelpText(
    "after",
    "\nExamples:\n  deno task bench:convert\n  deno task bench:convert --alternations 3",
  )
  .exitOverride((error) => Deno.exit(error.exitCode === 0 ? 0 : 2));

/** Writes the capture; the header is a real run's. */
async function writeCapture(path: string): Promise<number> {
  const [header] = (await Deno.readTextFile(HEADER)).split("\n");
  using file = Deno.openSync(path, { write: true, createNew: true });
  let length = 0;
  for (const record of captureOfAnHour(parseRecord(header!, 1))) {
    const line = new TextEncoder().encode(`${JSON.stringify(record)}\n`);
    for (let rest = line; rest.length > 0;) rest = rest.subarray(file.writeSync(rest));
    length += line.length;
  }
  return length;
}

/** Runs a program to its end. */
async function run(program: string, args: readonly string[]) {
  const begin = performance.now();
  const child = new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const memory = greatestMemory(child.pid);
  const { success } = await child.status;
  const seconds = (performance.now() - begin) / 1000;
  if (!success) throw new Error(`Cannot measure, ${program} failed`);
  return { seconds, bytes: await memory };
}

/** The greatest resident memory of a process, read until it ends. */
async function greatestMemory(pid: number): Promise<number> {
  let kibibytes = 0;
  for (;;) {
    const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
    const peak = /^VmHWM:\s+(\d+)/m.exec(status)?.[1];
    if (peak === undefined) return 1024 * kibibytes;
    kibibytes = Number(peak);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

if (import.meta.main) {
  await command.parseAsync(Deno.args, { from: "user" });
  await exitWith(async () => {
    const folder = await Deno.makeTempDir();
    try {
      const capture = join(folder, "capture.ndjson");
      const length = await writeCapture(capture);
      console.log(`capture      ${(length / 1e6).toFixed(0)} MB, 3600 windows`);
      const [document, totals] = [join(folder, "metrics.json"), join(HERE, "capture_totals.py")];
      const script = join(HERE, "../hollow/ebpf_to_json.ts");
      const toJson = ["run", "-A", script, capture, "-o", document];
      const ours: { seconds: number; bytes: number }[] = [];
      const theirs: { seconds: number; bytes: number }[] = [];
      for (let turn = 0; turn < command.opts().alternations; turn++) {
        ours.push(await run(Deno.execPath(), toJson));
        theirs.push(await run("python3", [totals, capture]));
        console.error(
          `${turn + 1}: to-json ${ours.at(-1)!.seconds.toFixed(2)} s, ` +
            `Python ${theirs.at(-1)!.seconds.toFixed(2)} s`,
        );
      }
      const { median, lower, upper } = estimate(
        ours.map(({ seconds }, turn) => theirs[turn]!.seconds / seconds),
      );
      const size = (await Deno.stat(document)).size;
      const memory = Math.max(...ours.map(({ bytes }) => bytes));
      console.log(`document     ${(size / 1e6).toFixed(0)} MB`);
      console.log(
        `to-json      ${estimate(ours.map(({ seconds }) => seconds)).median.toFixed(2)} s`,
      );
      console.log(
        `Python       ${
          estimate(theirs.map(({ seconds }) => seconds)).median.toFixed(2)
        } s, totals only`,
      );
      console.log(
        `ratio        ${median.toFixed(2)} (${lower.toFixed(2)}-${upper.toFixed(2)}) times as fast`,
      );
      console.log(`memory       ${(memory / 1e6).toFixed(0)} MB at most`);
      return 0;
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
