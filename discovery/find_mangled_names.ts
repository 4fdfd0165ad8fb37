#!/usr/bin/env -S deno run -A
/**
 * `deno task find-mangled`: the mangled names of a function, given its C++ name.
 *
 * Run it with `deno task find-mangled 'isc::dhcp::Pkt4::unpack'` or
 * `deno run -A discovery/find_mangled_names.ts 'isc::dhcp::Pkt4::unpack'`.
 *
 * @module
 */

import { say } from "../system/command_line.ts";
import { printOf, programCommand } from "./program_command.ts";
import { containing, listFunctions, named } from "./code/function_list.ts";
import { filesOf } from "./programs.ts";
import { functionsOf } from "./code/symbols.ts";

const command = programCommand("find-mangled")
  .description(
    "Show the mangled names of a function in a Kea server or its libraries, as bpftrace needs them.",
  )
  .argument("<function>", "its C++ name, or the last parts of it")
  .addHelpText(
    "after",
    `
Examples:
  deno task find-mangled 'isc::dhcp::Pkt4::unpack'
  deno task find-mangled 'AllocEngine::allocateLease4' --json
  deno task find-mangled 'Memfile_LeaseMgr::getLease4' --executable /usr/sbin/kea-dhcp4`,
  );

await command.parseAsync(Deno.args, { from: "user" });
const [name] = command.processedArgs;
const options = command.opts();
await printOf(options, async (program) => {
  const functions = await functionsOf(program.pid, filesOf(program), say);
  const list = listFunctions(functions, named(name));
  if (list.length === 0) {
    const near = listFunctions(functions, containing(name.split("::").at(-1)!));
    throw new Error(
      `Cannot find a function named "${name}"` +
        (near.length === 0 ? "" : `, but ${near.length} with a name like ${near[0]!.function}`) +
        `: look with deno task list-functions --filter ${name.split("::").at(-1)}`,
    );
  }
  if (options.json) return JSON.stringify(list, null, 2);
  return list.map(({ library, address, mangled, function: words }) =>
    [`${words}`, `  ${library} ${address}`, ...mangled.map((alias) => `  ${alias}`)].join("\n")
  ).join("\n");
});
