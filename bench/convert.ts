#!/usr/bin/env -S deno run -A
/**
 * `deno task bench:convert`: time and memory of converting a capture of an hour.
 *
 * @module
 */

import { join } from "node:path";
import { newCommand, numberBetween, runMain } from "../system/command_line.ts";
import { writeCaptureOfAnHour } from "./capture_of_an_hour.ts";
import { measured } from "./child.ts";
import { estimate } from "./ratio.ts";

const HERE = import.meta.dirname!;

const command = newCommand("bench:convert")
  .description(
    "Convert a capture of an hour, 1 s windows, about 40 MB, with to-json and, in turn, add up its " +
      "totals with a straightforward Python script and its json module.",
  )
  .option("--alternations <number>", "how many times each", numberBetween(2, 50), 7)
  .addHelpText(
    "after",
    "\nExamples:\n  deno task bench:convert\n  deno task bench:convert --alternations 3",
  );

await command.parseAsync(Deno.args, { from: "user" });
await runMain(async () => {
  const folder = await Deno.makeTempDir();
  try {
    const capture = join(folder, "capture.ndjson");
    const length = await writeCaptureOfAnHour(capture);
    console.log(`capture      ${(length / 1e6).toFixed(0)} MB, 3600 windows`);
    const [document, totals] = [join(folder, "metrics.json"), join(HERE, "capture_totals.py")];
    const script = join(HERE, "../hollow/ebpf_to_json.ts");
    const toJson = ["run", "-A", script, capture, "-o", document];
    const ours: { seconds: number; bytes: number }[] = [];
    const theirs: { seconds: number; bytes: number }[] = [];
    for (let turn = 0; turn < command.opts().alternations; turn++) {
      await Deno.remove(document).catch(() => {});
      ours.push(await measured(Deno.execPath(), toJson));
      theirs.push(await measured("python3", [totals, capture]));
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
