#!/usr/bin/env -S deno run -A
/**
 * `deno task troubleshoot`: finds out why Kea or the monitor does not work, and what to do.
 *
 * @module
 */

import { styleText } from "node:util";
import { ChoiceError } from "../discovery/servers.ts";
import { newCommand, print, runMain } from "../system/command_line.ts";
import { printable } from "../system/printable.ts";
import type { Finding } from "./troubleshoot/check.ts";
import { conclusionOf, conclusionText } from "./troubleshoot/conclusion.ts";
import { troubleshoot } from "./troubleshoot/troubleshoot.ts";

const command = newCommand("troubleshoot")
  .description(
    "Find out why a Kea DHCP server, or the monitor, does not work. Each finding has its consequence and " +
      "how to fix it, in the order in which things break. Changes nothing.",
  )
  .option("--server <pid|dhcp4|dhcp6>", "the server to check (default: the only one that runs)")
  .option(
    "--probe",
    "take a lease as a client would and release it; in a lab, or with --client-netns",
  )
  .option("--client-netns <name>", "network namespace on the clients' link, for --probe")
  .option("--json", "print only the findings as JSON, on standard output")
  .showHelpAfterError("(--help shows the options)")
  .addHelpText(
    "after",
    `
Examples:
  sudo ./denow task troubleshoot
  deno task -q troubleshoot --server dhcp4 --json
  deno task lab -- ./denow task troubleshoot --probe

The last line is "Healthy" only if every check that applies was decided. A check that could not decide
says "not known" and why, and the last line counts such checks. With --json, "healthy" is then false and
"not_known" lists them.

Exit status: 0 no problem was found (some checks may be "not known"), 1 a problem was found, 2 wrong usage.`,
  );

const WORDS = {
  ok: "ok",
  note: "note",
  problem: "PROBLEM",
  skipped: "-",
  not_known: "not known",
} as const;
const COLOURS = {
  ok: "green",
  note: "yellow",
  problem: "red",
  skipped: "gray",
  not_known: "yellow",
} as const;

const BASES = {
  server: "by its running configuration",
  file: "by its configuration file",
} as const;

/** A finding in lines for people. */
function linesOf(finding: Finding, colour: boolean): string {
  const { check, status, found, means, remedy, restsOn } = finding;
  const word = WORDS[status].padEnd(9);
  const shown = colour ? styleText(COLOURS[status], word, { validateStream: false }) : word;
  const more = [means, remedy === undefined ? undefined : `-> ${remedy}`]
    .filter((line) => line !== undefined).map((line) => `\n            ${printable(line)}`);
  const basis = restsOn === undefined ? "" : ` (${BASES[restsOn]})`;
  return `${shown}  ${check}: ${printable(found)}${basis}${more.join("")}\n`;
}

await command.parseAsync(Deno.args, { from: "user" });
const { json = false, probe = false, ...options } = command.opts();
const clientNetns = options.clientNetns ?? Deno.env.get("KEA_LAB_CLIENT_NETNS") ?? null;
if (probe && clientNetns === null) {
  command.error(
    "error: Cannot probe from the server's own link, a client must be at its other end: give " +
      "--client-netns NAME, or send from another machine with dras_wrapper.ts",
  );
}
await runMain(async () => {
  const colour = Deno.stdout.isTerminal() && !Deno.noColor;
  const findings = await troubleshoot(
    { selector: options.server, probeFrom: probe ? clientNetns : null },
    (finding) => {
      if (!json) print(linesOf(finding, colour));
    },
  ).catch((error: Error) => {
    // Several servers run: the user must choose.
    if (error instanceof ChoiceError) command.error(`error: ${error.message}`);
    throw error;
  });
  const conclusion = conclusionOf(findings);
  if (json) print(`${JSON.stringify({ ...conclusion, findings }, null, 2)}\n`);
  else print(`${conclusionText(conclusion)}\n`);
  return conclusion.problems.length === 0 ? 0 : 1;
});
