#!/usr/bin/env -S deno run -A
/**
 * `deno task compare`: holds two runs beside each other, and says what became slower, faster, more or fewer.
 *
 * @module
 */

import { Option } from "@commander-js/extra-typings";
import { compareRuns } from "./compare/compare_runs.ts";
import { type Condition, parseCondition } from "./compare/conditions.ts";
import { newCommand, runMain } from "../system/command_line.ts";

const command = newCommand("compare")
  .description(
    "Compare two captures or metrics documents, or two spans of one: which times became slower or faster, what " +
      "happens more or less often, with bounds and a verdict, and what else differed.",
  )
  .argument(
    "<before>",
    "FILE, or FILE@FROM-TO with times of day in UTC; FROM or TO may be left out",
  )
  .argument("<after>", "the same")
  .option("-o, --output <folder>", "write a report, comparison.html, and its charts")
  .option("--json", "print only the comparison as JSON, on standard output")
  .addOption(
    new Option(
      "--fail-on <condition>",
      'exit with status 4 when a proven change is so large: "p99>10%"; may be given several times',
    )
      .argParser((text, conditions: readonly Condition[]) => [...conditions, parseCondition(text)])
      .default([] as readonly Condition[], "none"),
  )
  .option("--strict", "exit with status 3 when a side is PARTIAL or nothing can be said")
  .showHelpAfterError("(--help shows the options)")
  .addHelpText(
    "after",
    `
Conditions: [METRIC][{LABEL=VALUE,...}] and one of mean, p50, p99, rate with >N% or <-N%,
or slower, faster, more, fewer. Without a metric, every series counts.

Examples:
  deno task compare before/capture.ndjson after/capture.ndjson
  deno task compare kea.ndjson@-12:00 kea.ndjson@12:05-         before and after a change at noon
  deno task compare old.json new.json --fail-on 'p99>10%' --fail-on 'error_rate more'
  deno task compare old.json new.json -o report

Exit status: 0 compared, 1 failed, or a condition could not be checked, 2 wrong usage, 3 PARTIAL or
"cannot say" (with --strict), 4 a condition of --fail-on holds.`,
  );

await command.parseAsync(Deno.args, { from: "user" });
const [before, after] = command.processedArgs;
const { output, json = false, strict = false, failOn } = command.opts();
await runMain(() =>
  compareRuns(before, after, {
    json,
    strict,
    conditions: failOn,
    ...output === undefined ? {} : { output },
  })
);
