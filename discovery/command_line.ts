/**
 * What the three scripts of discovery share: options, output, one-line errors.
 *
 * @module
 */

import { Command } from "npm:@commander-js/extra-typings@15.1.0";

/** A command with the options that choose a program; what it is called stands in `--help`. */
export function programCommand(name: string) {
  return new Command(name)
    .option(
      "--server <pid|dhcp4|dhcp6>",
      "a running server (default: the only one that runs, else the installed kea-dhcp4)",
    )
    .option("--executable <file>", "a program that need not run, with the libraries it would get")
    .option("--json", "print JSON")
    .allowExcessArguments(false)
    .showHelpAfterError("(--help shows the options)")
    .exitOverride((error) => Deno.exit(error.exitCode === 0 ? 0 : 2));
}

/** Ends with status 2 when both ways to choose a program were taken. */
export function refuseBoth(
  { server, executable }: {
    readonly server?: string | undefined;
    readonly executable?: string | undefined;
  },
): void {
  if (server === undefined || executable === undefined) return;
  console.error("error: --server and --executable cannot be used together, give one of them");
  Deno.exit(2);
}

/**
 * Prints what a script's work gives on standard output; an error becomes one line on standard
 * error and exit status 1. Whoever reads may stop early (`| head`).
 */
export async function printResult(work: () => Promise<string>): Promise<void> {
  try {
    const bytes = new TextEncoder().encode(await work() + "\n");
    for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(0);
    const text = error instanceof Error ? error.message : String(error);
    console.error(`error: ${text.replaceAll(/\s*\n\s*/g, " ")}`);
    Deno.exit(1);
  }
}
