/**
 * Options and output that the three scripts of discovery share.
 *
 * @module
 */

import { newCommand, print, runMain, say } from "../system/command_line.ts";
import { printableJson, printableLines } from "../system/printable.ts";
import { chooseProgram } from "./programs.ts";
import type { Program } from "./types.ts";

/** A command with the options that choose a program. */
export function programCommand(name: string) {
  return newCommand(name)
    .option(
      "--server <pid|dhcp4|dhcp6>",
      "a running server (default: the only one that runs, else the installed kea-dhcp4)",
    )
    .option("--executable <file>", "a program that need not run, with the libraries it would get")
    .option("--json", "print JSON")
    .showHelpAfterError("(--help shows the options)");
}

/** How a user chooses a program, and the form of the output. */
export interface ProgramOptions {
  readonly server?: string | undefined;
  readonly executable?: string | undefined;
  readonly json?: boolean | undefined;
}

/**
 * Prints what a script makes of the chosen program, and ends the process: with status 2 when the program
 * was chosen in both ways. Names from foreign files are made printable.
 *
 * @param isJson whether the output is JSON.
 */
export async function printOf(
  { server, executable, json = false }: ProgramOptions,
  work: (program: Program) => Promise<string>,
  isJson: boolean = json,
): Promise<never> {
  if (server !== undefined && executable !== undefined) {
    say("error: --server and --executable cannot be used together, give one of them");
    Deno.exit(2);
  }
  return await runMain(async () => {
    const text = await work(await chooseProgram({ server, executable }));
    print(`${(isJson ? printableJson : printableLines)(text)}\n`);
    return 0;
  });
}
