/**
 * Options and output that the three scripts of discovery share.
 *
 * @module
 */

import { newCommand, print, runMain, say } from "../system/command_line.ts";
import { printableJson, printableLines } from "../system/printable.ts";

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

/** Ends with status 2 when a program was chosen in both ways. */
export function refuseBoth(
  { server, executable }: {
    readonly server?: string | undefined;
    readonly executable?: string | undefined;
  },
): void {
  if (server === undefined || executable === undefined) return;
  say("error: --server and --executable cannot be used together, give one of them");
  Deno.exit(2);
}

/**
 * Prints the result of a script's work, and ends the process. Names from foreign files are made printable.
 *
 * @param isJson whether the result is JSON.
 */
export async function printResult(work: () => Promise<string>, isJson: boolean): Promise<never> {
  return await runMain(async () => {
    print(`${(isJson ? printableJson : printableLines)(await work())}\n`);
    return 0;
  });
}
