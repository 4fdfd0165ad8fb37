/**
 * Describes servers and prepares programs in a child process: what reading the server's files needs, some 60 MB that
 * V8 and malloc would keep, is free again when it has ended.
 *
 * @module
 */

import { z } from "zod";
import { DiscoveryError } from "../discovery/discovery_error.ts";
import { DENO_VARIABLES, passedVariables } from "../system/passed_variables.ts";
import { privateFolder } from "../system/private_folder.ts";
import { complaintOf, type Ran, run, textOf } from "../system/run.ts";
import type { Preparation } from "./preparation.ts";
import {
  type ChildRequest,
  CODE,
  FUNCTIONS,
  MISPLACED,
  PREPARED,
  SERVER,
} from "./prepared_record.ts";
import { RefusalCounters } from "./refusal_counters.ts";

/** Longest time for a child, milliseconds: it takes 1 to 3 s on a quiet machine. */
const LIMIT_MS = 120_000;

/** The longest answer, bytes; the plan of a server with all sites has some 100,000. */
const LIMIT_BYTES = 16 * 2 ** 20;

/**
 * Prepares in a child that dies with this process.
 *
 * @param signal kills the child.
 */
export function inAChild(signal?: AbortSignal): Preparation {
  const answerOf = <T>(asked: ChildRequest, answer: z.ZodType<T>, pid: number): Promise<T> =>
    answerOfChild(asked, answer, pid, signal);
  return {
    describe: (pid) => answerOf({ describe: pid }, SERVER, pid),

    prepare: async ({ server, leftOut, ...request }) => {
      await using resources = new AsyncDisposableStack();
      const { path: symbols } = resources.use(await privateFolder("symbols"));
      const { plan, wallClock, hasCounters, ...rest } = await answerOf(
        { symbols, request: { ...request, server, leftOut: [...leftOut] } },
        PREPARED,
        server.pid,
      );
      const counters = hasCounters ? await RefusalCounters.of(server) : null;
      if (hasCounters && counters === null) {
        throw failed(server.pid, "Kea answered its counters once and then no more");
      }
      const kept = resources.move();
      return {
        ...rest,
        ...{ symbols, counters },
        plan: { ...plan, server },
        wallClock: BigInt(wallClock),
        [Symbol.asyncDispose]: () => kept.disposeAsync(),
      };
    },

    codeBefore: async (pid, sites) => {
      if (sites.length === 0) return new Map();
      const code = await answerOf({ codeBefore: pid, sites }, CODE, pid);
      return code && new Map(code);
    },

    misplaced: async (pid, sites, before) =>
      sites.length === 0
        ? null
        : await answerOf({ misplaced: pid, sites, before: [...before] }, MISPLACED, pid),

    functionsOf: async (pid, path) => await answerOf({ functionsOf: path }, FUNCTIONS, pid),
  };
}

/** Prepares in a child that nothing but its limit of time kills. */
export const IN_A_CHILD = inAChild();

/** Asks a child about the server of a process. */
async function answerOfChild<T>(
  asked: ChildRequest,
  answer: z.ZodType<T>,
  pid: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  const ran = await run([
    ...["setpriv", "--pdeathsig", "KILL", "--"] as const,
    ...[Deno.execPath(), "run", "--allow-all", "--cached-only", "--quiet"],
    new URL("prepare_child.ts", import.meta.url).pathname,
  ], {
    input: JSON.stringify(asked),
    environment: passedVariables(DENO_VARIABLES),
    limitMs: LIMIT_MS,
    limitBytes: LIMIT_BYTES,
    ...signal === undefined ? {} : { signal },
  });
  if (ran.code !== 0) throw errorOf(ran, pid);
  const parsed = answer.safeParse(JSON.parse(textOf(ran)));
  if (!parsed.success) {
    throw failed(pid, `its answer is not as expected, ${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}

/** The child's own words, or why it has none. */
function errorOf(ran: Ran, pid: number): DiscoveryError {
  const said = /^error: (.+)$/m.exec(new TextDecoder().decode(ran.stderr))?.[1];
  return said === undefined ? failed(pid, complaintOf(ran)) : new DiscoveryError(said);
}

function failed(pid: number, why: string): DiscoveryError {
  return new DiscoveryError(
    `Cannot plan the probes for process ${pid}, the process that does it failed (${why}): it is tried again`,
  );
}
