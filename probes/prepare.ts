/**
 * Prepares a program to attach: facts, plan, text.
 *
 * @module
 */

import { statementsOf } from "../discovery/sites/sql_statements.ts";
import type { Server } from "../discovery/types.ts";
import { wallClockOffset } from "../system/libc.ts";
import { privateFolder } from "../system/private_folder.ts";
import type { Bpftrace } from "./bpftrace.ts";
import { type FindSites, gatherFacts } from "./facts.ts";
import { hostProcessId } from "./host_process_id.ts";
import { knowsArrivals, type LeftOut, type Plan, plan, withoutRegisters } from "./plan.ts";
import { programTexts } from "./program_texts.ts";
import type { Profile } from "./programs.ts";
import type { RefusalCounters } from "./refusal_counters.ts";
import { registersOffset } from "./registers_offset.ts";
import { render, type Rendered } from "./render.ts";
import type { Statements } from "./statement_names.ts";

export type { FindSites } from "./facts.ts";

/** How the programs' process id is found: `hostProcessId()`, or a test's own function. */
export type FindHostPid = typeof hostProcessId;

/** A plan and its program. Disposing removes the private symbol files. */
export interface Prepared extends AsyncDisposable {
  readonly plan: Plan;
  readonly rendered: Rendered;
  /** The program's offset to the wall clock, see `wallClockOffset()`; 0: none. */
  readonly wallClock: bigint;
  /** Folder of private symbol files for bpftrace. */
  readonly symbols: string;
  /** Hook points by number; empty if unknown or if no callout is watched. */
  readonly hookPoints: readonly string[];
  /** Statements of MariaDB's client; empty if not watched. */
  readonly statements: Statements;
  /** Kea's own counters, if they replace a program. */
  readonly counters: RefusalCounters | null;
}

/** Options in addition to a profile. */
export interface PrepareOptions {
  readonly findSites?: FindSites | undefined;
  readonly findHostPid?: FindHostPid | undefined;
  /** Packets that take longer are reported one by one, nanoseconds. */
  readonly slowNs?: number | undefined;
  /** Programs that failed to attach to this server before. */
  readonly leftOut?: LeftOut | undefined;
}

/** Makes the plan for a server: which programs, at which verified sites, at what cost. */
export async function planFor(server: Server, profile: Profile): Promise<Plan> {
  await using symbols = await privateFolder("symbols");
  const { facts } = await gatherFacts(server, profile, symbols.path);
  return plan(facts, profile);
}

/** Plans and renders for a server. */
export async function prepare(
  server: Server,
  profile: Profile,
  bpftrace: Bpftrace,
  intervalMs: number,
  options: PrepareOptions = {},
): Promise<Prepared> {
  await using resources = new AsyncDisposableStack();
  const { path } = resources.use(await privateFolder("symbols"));
  const prepared = await prepareIn(path, server, profile, bpftrace, intervalMs, options);
  const kept = resources.move();
  return { ...prepared, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/**
 * Plans and renders for a server, with the symbol files in a folder of the caller's.
 *
 * @param symbols an empty folder that root alone can write.
 */
export async function prepareIn(
  symbols: string,
  server: Server,
  profile: Profile,
  bpftrace: Bpftrace,
  intervalMs: number,
  { findSites, findHostPid = hostProcessId, slowNs = 0, leftOut }: PrepareOptions = {},
): Promise<Omit<Prepared, keyof AsyncDisposable>> {
  const { facts, attachPoints, counters } = await gatherFacts(
    server,
    profile,
    symbols,
    findSites,
    leftOut,
  );
  const registers = await registersOffset(bpftrace);
  const planned = plan(facts, profile, leftOut);
  const made = registers === 0 ? withoutRegisters(planned) : planned;
  const wallClock = knowsArrivals(server) ? wallClockOffset() : 0n;
  const rendered = render(made, await programTexts(), attachPoints, intervalMs, {
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
  return site === undefined ? {} : await statementsOf(site.file.pinnedPath);
}
