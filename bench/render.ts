#!/usr/bin/env -S deno run -A
/**
 * `deno task bench:render`: time and memory of drawing all charts of a capture of an hour.
 *
 * @module
 */

import { join } from "node:path";
import { newCommand, numberBetween, runMain } from "../system/command_line.ts";
import { writeCaptureOfAnHour } from "./capture_of_an_hour.ts";
import { measured } from "./child.ts";
import { estimate } from "./ratio.ts";
import { pathOf } from "../tests/metrics/fixtures/captures.ts";

const HERE = import.meta.dirname!;

const command = newCommand("bench:render")
  .description(
    "Draw a capture of an hour, 1 s windows, about 40 MB: reading it, all charts in both widths, " +
      "the report, everything written.",
  )
  .option("--times <number>", "how many times", numberBetween(2, 50), 7)
  .addHelpText(
    "after",
    "\nExamples:\n  deno task bench:render\n  deno task bench:render --times 3",
  );

await command.parseAsync(Deno.args, { from: "user" });
await runMain(async () => {
  const folder = await Deno.makeTempDir();
  try {
    const capture = join(folder, "capture.ndjson");
    const length = await writeCaptureOfAnHour(capture);
    console.log(`capture      ${(length / 1e6).toFixed(0)} MB, 3600 windows`);
    const output = join(folder, "report");
    const viz = ["run", "-A", join(HERE, "../viz/visualize_metrics.ts"), "-o", output];
    const seconds = { capture: [] as number[], small: [] as number[] };
    const memory: number[] = [];
    // For comparison: the same charts of a run of seconds.
    const small = pathOf("v4");
    for (let turn = 0; turn < command.opts().times; turn++) {
      const whole = await measured(Deno.execPath(), [...viz, capture]);
      seconds.capture.push(whole.seconds);
      memory.push(whole.bytes);
      seconds.small.push((await measured(Deno.execPath(), [...viz, small])).seconds);
    }
    const shown = (values: readonly number[]) => {
      const { median, lower, upper } = estimate(values);
      return `${median.toFixed(2)} (${lower.toFixed(2)}-${upper.toFixed(2)}) s`;
    };
    console.log(`an hour      ${shown(seconds.capture)}`);
    console.log(`some seconds ${shown(seconds.small)}`);
    console.log(`memory       ${(Math.max(...memory) / 1e6).toFixed(0)} MB at most`);
    return 0;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
