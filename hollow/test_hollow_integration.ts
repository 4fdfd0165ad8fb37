#!/usr/bin/env -S deno run -A
/**
 * `deno task test-hollow`: tests a Hollow producer end to end, with records of its own.
 *
 * @module
 */

import { print, runMain } from "../system/command_line.ts";
import { checkProducer, type ConformanceResult } from "./conformance/check_producer.ts";
import { clientFor, pushingCommand } from "./push/pushing_command.ts";

const command = pushingCommand("test-hollow", "kea-test")
  .description(
    "Test a Netflix Hollow producer end to end: push marked records, read them back, send them " +
      "again, send bad ones, and delete all of them.",
  )
  .option("--json", "print only the results as JSON, on standard output")
  .addHelpText(
    "after",
    `
Examples:
  deno task test-hollow -p http://127.0.0.1:8980/api
  deno task -q test-hollow -p https://hollow.example.com/api --token-file token --json

Exit status: 0 all is well, 1 something is not, 2 wrong usage.`,
  );

function lineOf({ check, ok, detail }: ConformanceResult): string {
  const word = ok === null ? "-   " : ok ? "ok  " : "FAIL";
  return `${word} ${check}: ${detail}\n`;
}

await command.parseAsync(Deno.args, { from: "user" });
const { json = false, ...target } = command.opts();
await runMain(async () => {
  const client = clientFor(command, target);
  const verdicts = await checkProducer(client, target.dataset, (verdict) => {
    if (!json) print(lineOf(verdict));
  });
  const passed = verdicts.every(({ ok }) => ok !== false);
  if (json) {
    const { dataset } = target;
    const report = { url: client.base, dataset, passed, checks: verdicts };
    print(`${JSON.stringify(report, null, 2)}\n`);
  }
  return passed ? 0 : 1;
});
