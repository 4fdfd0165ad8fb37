#!/usr/bin/env -S deno run -A
/**
 * `deno task troubleshoot`: why a Kea, or the monitor, does not work, and what to do.
 *
 * @module
 */

import { Command } from "npm:@commander-js/extra-typings@15.1.0";
import { styleText } from "node:util";
import { exitWith, print } from "../command_line.ts";
import { printable } from "../system/printable.ts";
import type { Finding } from "./troubleshoot/check.ts";
import { troubleshoot } from "./troubleshoot/troubleshoot.ts";

const command = new Command("troubleshoot")
  .description(
    "Look for what keeps a Kea DHCP server, or the monitor, from working, in the order in which things\n" +
      "break: what was found, what it means, what mends it. Changes nothing.",
  )
  .option("--server <pid|dhcp4|dhcp6>", "the server to look at (default: the only one that runs)")
  .option(
    "--probe",
    "take a lease as a client would and give it back; in a lab, or with --client-netns",
  )
  .option("--client-netns <name>", "network namespace on the clients' link, for --probe")
  .option("--json", "print the findings as JSON, and nothing else, on standard output")
  .allowExcessArguments(false)
  .showHelpAfterError("(--help shows the options)")
  .addHelpText(
    "after",
    `
Examples:
  sudo ./denow task troubleshoot
  deno task -q troubleshoot --server dhcp4 --json
  deno task lab -- ./denow task troubleshoot --probe

Exit status: 0 healthy, 1 a problem was found, 2 wrong usage.`,
  )
  .exitOverride((error) => Deno.exit(error.exitCode === 0 ? 0 : 2));

const WORDS = { ok: "ok", note: "note", problem: "PROBLEM", skipped: "-" } as const;
const COLOURS = { ok: "green", note: "yellow", problem: "red", skipped: "gray" } as const;

/** A finding in lines for people. */
function linesOf({ check, status, found, means, remedy }: Finding, colour: boolean): string {
  const word = WORDS[status].padEnd(7);
  const shown = colour ? styleText(COLOURS[status], word, { validateStream: false }) : word;
  const more = [means, remedy === undefined ? undefined : `-> ${remedy}`]
    .filter((line) => line !== undefined).map((line) => `\n          ${printable(line)}`);
  return `${shown}  ${check}: ${printable(found)}${more.join("")}\n`;
}

/** The last line for people. */
export function conclusion(problems: readonly Pick<Finding, "check">[]): string {
  if (problems.length === 0) return "Healthy";
  const names = problems.map(({ check }) => check).join(", ");
  return `${problems.length} ${problems.length === 1 ? "problem" : "problems"}: ${names}`;
}

if (import.meta.main) {
  await command.parseAsync(Deno.args, { from: "user" });
  const { json = false, probe = false, ...options } = command.opts();
  const clientNetns = options.clientNetns ?? Deno.env.get("KEA_LAB_CLIENT_NETNS") ?? null;
  if (probe && clientNetns === null) {
    command.error(
      "error: Cannot probe from the server's own link, a client must be at its other end: give " +
        "--client-netns NAME, or send from another machine with dras_wrapper.ts",
    );
  }
  await exitWith(async () => {
    const colour = Deno.stdout.isTerminal() && !Deno.noColor;
    const findings = await troubleshoot(
      { selector: options.server, probeFrom: probe ? clientNetns : null },
      (finding) => {
        if (!json) print(linesOf(finding, colour));
      },
    ).catch((error: Error) => {
      // It is for the person to say which of several servers is meant.
      if (/^Cannot choose/.test(error.message)) command.error(`error: ${error.message}`);
      throw error;
    });
    const problems = findings.filter(({ status }) => status === "problem");
    if (json) print(`${JSON.stringify({ healthy: problems.length === 0, findings }, null, 2)}\n`);
    else print(`${conclusion(problems)}\n`);
    return problems.length === 0 ? 0 : 1;
  });
}
