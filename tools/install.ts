#!/usr/bin/env -S deno run -A
/**
 * `deno task install`: lists the Debian packages that are missing and why they are needed, installs them,
 * and mounts tracefs.
 *
 * @module
 */

import { Option } from "@commander-js/extra-typings";
import { newCommand, runMain } from "../system/command_line.ts";
import { ensureInstalled, PURPOSES } from "./install/ensure_installed.ts";

const command = newCommand("install")
  .description("List the Debian packages that are missing, with reasons, and install them (root).")
  .option("-y, --yes", "install without asking")
  .addOption(
    new Option(
      "--for <purpose>",
      "what to install for; each includes those before it, tests not kernels",
    )
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
