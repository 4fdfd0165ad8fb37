#!/usr/bin/env -S deno run -A
/**
 * `deno task install`: installs the Debian packages that are missing, after saying which and why,
 * and mounts tracefs.
 *
 * @module
 */

import { Option } from "@commander-js/extra-typings";
import { newCommand, runMain } from "../system/command_line.ts";
import { ensureInstalled, PURPOSES } from "./install/ensure_installed.ts";

const command = newCommand("install")
  .description("Install the Debian packages that are missing, after saying which and why (root).")
  .option("-y, --yes", "install without asking")
  .addOption(
    new Option("--for <purpose>", "what is to be done; each needs what those before it need, too")
      .choices(PURPOSES).default("monitor" as const),
  )
  .addHelpText(
    "after",
    "\nExamples:\n  deno task install\n  sudo ./denow task install --yes --for lab",
  );
await command.parseAsync(Deno.args, { from: "user" });
await runMain(async () => {
  const { for: purpose, yes = false } = command.opts();
  await ensureInstalled(purpose, yes);
  return 0;
});
