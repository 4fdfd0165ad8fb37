#!/usr/bin/env -S deno run -A
/**
 * `deno task package`: a Debian package with the exporter's service, all commands and Deno.
 *
 * @module
 */

import { newCommand, print, resolveUserPath, runMain } from "../system/command_line.ts";
import { buildPackage } from "./package/build_package.ts";

const command = newCommand("package")
  .description("Build a Debian package with Deno inside, the exporter's service and all commands.")
  .option("-o, --output <dir>", "folder that gets the package", ".")
  .addHelpText(
    "after",
    `
It needs dpkg-deb, and npm's packages from the registry or from Deno's cache. SOURCE_DATE_EPOCH sets the
time of its files; without it, that is the time of the last commit.

Examples:
  deno task package
  ./denow task package -o /tmp`,
  );
await command.parseAsync(Deno.args, { from: "user" });
await runMain(async () => {
  const path = await buildPackage(resolveUserPath(command.opts().output));
  print(`${path}\n`);
  return 0;
});
