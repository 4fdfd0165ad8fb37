/**
 * The child that describes a server or prepares its program, and ends: see `inAChild()`. It is asked in JSON on
 * standard input, and answers in JSON on standard output.
 *
 * @module
 */

import { describeServer } from "../discovery/servers.ts";
import { print, runMain } from "../system/command_line.ts";
import { prepareIn } from "./prepare.ts";
import { type ChildAnswer, REQUEST } from "./prepared_record.ts";

async function answer(): Promise<unknown> {
  const asked = REQUEST.parse(JSON.parse(await new Response(Deno.stdin.readable).text()));
  if ("describe" in asked) return await describeServer(asked.describe);
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
