#!/usr/bin/env -S deno run -A
/**
 * `deno task list-functions`: the functions of a Kea server and its libraries, as far as their symbols
 * show them.
 *
 * Run it with `deno task list-functions` or `deno run -A discovery/list_all_functions.ts`.
 *
 * @module
 */

import { say } from "../system/command_line.ts";
import { printOf, programCommand } from "./program_command.ts";
import { containing, functionListText, listFunctions } from "./code/function_list.ts";
import { filesOf } from "./programs.ts";
import { functionsOf } from "./code/symbols.ts";

const command = programCommand("list-functions")
  .description(
    "List the functions of a Kea server and of every library it uses: from their own symbols, those " +
      "of a separate debug file, or their exports. Names that share an address are on one line.",
  )
  .option("--filter <text>", "only names that contain it, ignoring case", "")
  .option("--ndjson", "print one JSON object per line")
  .addHelpText(
    "after",
    `
Columns: address, size in bytes, function.

Examples:
  deno task list-functions --filter alloc
  deno task list-functions --executable /usr/sbin/kea-dhcp6 --filter Pkt6::
  deno task list-functions --server dhcp4 --ndjson > functions.ndjson`,
  );

await command.parseAsync(Deno.args, { from: "user" });
const options = command.opts();
const { json, ndjson, filter } = options;
await printOf(options, async (program) => {
  const list = listFunctions(
    await functionsOf(program.pid, filesOf(program), say),
    containing(filter),
  );
  if (list.length === 0) {
    throw new Error(`Cannot find a function whose name contains "${filter}": try less of it`);
  }
  if (ndjson) return list.map((item) => JSON.stringify(item)).join("\n");
  return json ? JSON.stringify(list, null, 2) : functionListText(list);
}, json ?? ndjson);
