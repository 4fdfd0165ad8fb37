#!/usr/bin/env -S deno run -A
/**
 * `deno task check-kea`: what the monitor needs for a new version of Kea.
 *
 * Run it with `deno task check-kea` or `deno run -A tools/check_kea.ts`.
 *
 * @module
 */

import { InvalidArgumentError } from "@commander-js/extra-typings";
import { demangle } from "../discovery/code/demangle.ts";
import { DiscoveryError } from "../discovery/discovery_error.ts";
import { installedKea } from "../discovery/installed_kea.ts";
import {
  newCommand,
  oneLine,
  print,
  resolveUserPath,
  runMain,
  say,
} from "../system/command_line.ts";
import { printableJson, printableLines } from "../system/printable.ts";
import { checkText } from "./check_kea/check_text.ts";
import { differencesOf } from "./check_kea/differences.ts";
import { FACTS, factsOf } from "./check_kea/kea_facts.ts";

/** Facts of the newest Kea that the monitor is known to work with; `--facts` may be writing it. */
const NEWEST = new URL("check_kea/newest_kea.json", import.meta.url);

const command = newCommand("check-kea")
  .description(
    "Compare two builds of Kea by what the monitor rests on: probe sites, hook points, statistics, log " +
      "messages, names of the configuration, SQL statements. Say what the newer one needs. The files are " +
      "read, nothing of them is run.",
  )
  .argument("<folder>", "where Kea is installed: --prefix of its build, or /usr", folderOfKea)
  .argument("[against]", "an older Kea (default: the newest known one)", folderOfKea)
  .option("--json", "print JSON, with all names")
  .option("--facts", "print what was read of the first Kea as JSON, and compare nothing")
  .showHelpAfterError("(--help shows the options)")
  .addHelpText(
    "after",
    `
Examples:
  deno task check-kea /opt/kea                   a new version, built with --prefix=/opt/kea
  deno task check-kea /opt/kea-3.3 /opt/kea-3.2 --json
  deno task check-kea /usr --facts > tools/check_kea/newest_kea.json

Exit status: 0 nothing to do, 1 the monitor needs a change, 2 no Kea is there or it cannot be read.`,
  );

function folderOfKea(text: string): string {
  try {
    return installedKea(resolveUserPath(text)).folder;
  } catch (error) {
    if (!(error instanceof DiscoveryError)) throw error;
    throw new InvalidArgumentError(`${error.message}.`);
  }
}

await command.parseAsync(Deno.args, { from: "user" });
const [folder, against] = command.processedArgs;
const options = command.opts();
await runMain(async () => {
  try {
    const now = await factsOf(folder);
    if (options.facts) {
      print(`${printableJson(JSON.stringify(now, null, 2))}\n`);
      return 0;
    }
    const before = against === undefined
      ? FACTS.parse(JSON.parse(await Deno.readTextFile(NEWEST)))
      : await factsOf(against);
    const differences = differencesOf(now, before);
    const text = options.json
      ? printableJson(
        JSON.stringify({ kea: now.version, against: before.version, differences }, null, 2),
      )
      : printableLines(checkText(
        `Kea ${now.version}`,
        `Kea ${before.version}`,
        differences,
        await demangle([...now.symbols, ...before.symbols]),
      ));
    print(`${text}\n`);
    return differences.some(({ toDo }) => toDo !== null) ? 1 : 0;
  } catch (error) {
    if (!(error instanceof DiscoveryError)) throw error;
    say(`error: ${oneLine(error)}`, "error");
    return 2;
  }
});
