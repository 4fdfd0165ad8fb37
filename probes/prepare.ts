/**
 * Prepares a program to attach: facts, plan, text.
 *
 * @module
 */

import { exportedFunctions } from "../discovery/code/elf.ts";
import { describeServer } from "../discovery/servers.ts";
import { statementsOf } from "../discovery/sites/sql_statements.ts";
import type { Server } from "../discovery/types.ts";
import { wallClockOffset } from "../system/libc.ts";
import { privateFolder } from "../system/private_folder.ts";
import { codeBefore, misplacedProbes } from "./breakpoint_check.ts";
import { type FindSites, gatherFacts } from "./facts.ts";
import { hostProcessId } from "./host_process_id.ts";
import { kernelFacts } from "./kernel_facts.ts";
import { kernelOffsets } from "./kernel_offsets.ts";
import { type KernelFacts, knowsArrivals, type Plan, plan } from "./plan.ts";
import { type PacketCounting, PLAIN_COUNTING } from "./packet_counting.ts";
import type { Preparation, PreparationRequest, Prepared } from "./preparation.ts";
import { programTexts } from "./program_texts.ts";
import type { Profile } from "./programs.ts";
import { registersOffset } from "./registers_offset.ts";
import { render } from "./render.ts";
import type { Statements } from "./statement_names.ts";

export type { FindSites } from "./facts.ts";

/** How the programs' process id is found: `hostProcessId()`, or a test's own function. */
export type FindHostPid = typeof hostProcessId;

/** A test's own ways to find something. */
export interface Finders {
  readonly findSites?: FindSites;
  readonly findHostPid?: FindHostPid;
  /** What the kernel counts as not offering. */
  readonly kernel?: Partial<KernelFacts>;
}

/** Prepares in this process, which keeps what it has read of the server's files. */
export function inThisProcess(finders: Finders = {}): Preparation {
  return {
    describe: describeServer,
    prepare: async (request) => {
      await using resources = new AsyncDisposableStack();
      const { path } = resources.use(await privateFolder("symbols"));
      const prepared = await prepareIn(path, request, finders);
      const kept = resources.move();
      return { ...prepared, [Symbol.asyncDispose]: () => kept.disposeAsync() };
    },
    codeBefore,
    misplaced: misplacedProbes,
    functionsOf: (_, path) => exportedFunctions(path),
  };
}

/** Makes the plan for a server: which programs, at which verified sites, at what cost. */
export async function planFor(
  server: Server,
  profile: Profile,
  counting: PacketCounting = PLAIN_COUNTING,
): Promise<Plan> {
  await using symbols = await privateFolder("symbols");
  const { facts } = await gatherFacts(server, profile, symbols.path, kernelFacts());
  return plan(facts, profile, new Map(), counting);
}

/**
 * Plans and renders for a server, with the symbol files in a folder of the caller's.
 *
 * @param symbols an empty folder that root alone can write.
 */
export async function prepareIn(
  symbols: string,
  { server, profile, bpftrace, intervalMs, slowNs, leftOut, counting = PLAIN_COUNTING }:
    PreparationRequest,
  { findSites, findHostPid = hostProcessId, kernel = {} }: Finders = {},
): Promise<Omit<Prepared, keyof AsyncDisposable>> {
  const registers = await registersOffset(bpftrace);
  const { facts, attachPoints, counters } = await gatherFacts(
    server,
    profile,
    symbols,
    { ...kernelFacts(registers !== 0), ...kernel },
    findSites,
    leftOut,
  );
  const made = plan(facts, profile, leftOut, counting);
  const wallClock = knowsArrivals(server) ? wallClockOffset() : 0n;
  const rendered = render(made, await programTexts(), attachPoints, intervalMs, {
    ...counting,
    kernel: kernelOffsets(),
    registers,
    slowNs,
    wallClock,
    hostPid: await findHostPid(server, bpftrace),
  });
  return {
    plan: made,
    rendered,
    wallClock,
    hookPoints: "known" in facts.hookPoints ? facts.hookPoints.known : [],
    statements: await mariadbStatements(made),
    counters,
    symbols,
  };
}

/** Names of the statements prepared by the library with MariaDB's call sites. */
async function mariadbStatements(made: Plan): Promise<Statements> {
  const site = made.sources.flatMap(({ sites }) => sites)
    .find(({ id }) => id.startsWith("mariadb.end."));
  return site === undefined ? {} : await statementsOf(site.file);
}
