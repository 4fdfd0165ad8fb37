/**
 * The child that describes a server, prepares its program or examines it, and ends: see `IN_A_CHILD`. It is asked in JSON on
 * standard input, and answers in JSON on standard output.
 *
 * @module
 */

import { exportedFunctions } from "../discovery/code/elf.ts";
import { describeServer } from "../discovery/servers.ts";
import { print, runMain } from "../system/command_line.ts";
import { codeBefore, misplacedProbes } from "./breakpoint_check.ts";
import { prepareIn } from "./prepare.ts";
import { type ChildAnswer, REQUEST } from "./prepared_record.ts";

async function answer(): Promise<unknown> {
  const asked = REQUEST.parse(JSON.parse(await new Response(Deno.stdin.readable).text()));
  if ("describe" in asked) return await describeServer(asked.describe);
  if ("codeBefore" in asked) {
    const code = await codeBefore(asked.codeBefore, asked.sites);
    return code && [...code];
  }
  if ("misplaced" in asked) {
    return await misplacedProbes(asked.misplaced, asked.sites, new Map(asked.before));
  }
  if ("functionsOf" in asked) return await exportedFunctions(asked.functionsOf);
  const { symbols, request } = asked;
  const { plan, rendered, wallClock, hookPoints, statements, counters } = await prepareIn(symbols, {
    ...request,
    leftOut: new Map(request.leftOut),
  });
  return {
    ...{ plan, rendered, hookPoints, statements },
    wallClock: String(wallClock),
    hasCounters: counters !== null,
  } satisfies ChildAnswer;
}

await runMain(async () => {
  print(JSON.stringify(await answer()));
  return 0;
});
