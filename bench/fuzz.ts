#!/usr/bin/env -S deno run -A
/**
 * `deno task bench:fuzz`: gives damaged inputs to every parser, for `--minutes`.
 *
 * @module
 */

import { newCommand, numberBetween, runMain } from "../system/command_line.ts";
import { fuzz } from "../tests/fuzz/fuzzing.ts";

/** Inputs for each parser in a round. */
const INPUTS = 500;

const command = newCommand("bench:fuzz")
  .description(
    "Give damaged inputs to every parser: none may crash, hang or return something wrong.",
  )
  .option("--minutes <minutes>", "how long", numberBetween(0.01, 10_000), 1)
  .option("--seed <seed>", "first seed, as printed", numberBetween(0, 2 ** 32 - 1))
  .option("--parser <name>", "only this parser, as printed")
  .option("--inputs <count>", "inputs for each parser in a round", numberBetween(1, 1e6), INPUTS)
  .addHelpText(
    "after",
    `
Examples:
  deno task -q bench:fuzz --minutes 30
  deno task -q bench:fuzz --seed 1234567 --parser "text of bpftrace" --inputs 1`,
  );

command.parse(Deno.args, { from: "user" });
const { minutes, parser, inputs } = command.opts();
let seed = command.opts().seed ?? crypto.getRandomValues(new Uint32Array(1))[0]!;
await runMain(async () => {
  const until = Date.now() + minutes * 60_000;
  let [all, found] = [0, 0];
  do {
    const round = await fuzz({ seed, inputs, ...parser === undefined ? {} : { parser } });
    all += round.inputs;
    found += round.findings.length;
    for (const { parser, seed, what } of round.findings) {
      console.log(`"${parser}" seed ${seed}: ${what}`);
    }
    seed = (seed + inputs) % 2 ** 32;
    const left = Math.max(0, (until - Date.now()) / 60_000).toFixed(1);
    console.error(`${all} inputs, ${found} findings, ${left} minutes left, next seed ${seed}`);
  } while (Date.now() < until);
  return found === 0 ? 0 : 1;
});
