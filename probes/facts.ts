/**
 * The facts for a plan, read from the running server before the plan is made.
 *
 * @module
 */

import { DiscoveryError } from "../discovery/discovery_error.ts";
import { hookPointsOf } from "../discovery/hook_points.ts";
import { proveSites, recheck } from "../discovery/sites/prove.ts";
import { receiveCall } from "../discovery/sites/receive_call.ts";
import type { SiteSearch } from "../discovery/sites/types.ts";
import type { Server } from "../discovery/types.ts";
import { attachPointsOf } from "./attach_points.ts";
import {
  type Fact,
  type Facts,
  isIn,
  type KernelFacts,
  type LeftOut,
  missingSites,
} from "./plan.ts";
import { type ProbeProgram, type Profile, PROGRAMS } from "./programs.ts";
import { RefusalCounters } from "./refusal_counters.ts";

/** How sites are found: `proveSites()`, or a test's own function that breaks a proof. */
export type FindSites = typeof proveSites;

/** The facts, and the attachPoints of their sites. */
export interface Gathered {
  readonly facts: Facts;
  /** The text after `uprobe:` for each site, by its id. */
  readonly attachPoints: ReadonlyMap<string, string>;
  /** Kea's own counters, if they replace a program. */
  readonly counters: RefusalCounters | null;
}

/**
 * Gathers the facts for a profile.
 *
 * @param folder a private folder for symbol files, see `attachPointsOf()`.
 * @param leftOut programs that failed to attach to this server before.
 */
export async function gatherFacts(
  server: Server,
  profile: Profile,
  folder: string,
  kernel: KernelFacts,
  findSites: FindSites = proveSites,
  leftOut: LeftOut = new Map(),
): Promise<Gathered> {
  const asked = PROGRAMS.filter((program) =>
    isIn(profile, program) && (program.unsupportedReason?.(server) ?? null) === null
  );
  // Read once, when first needed.
  let reading: Promise<string[]> | undefined;
  const readHookPoints = () => reading ??= hookPointsOf(server);

  const proven = await provenTwice(server, asked, findSites, readHookPoints);
  const { attachPoints, refusals } = await attachPointsOf(proven.sites, folder);
  const search = {
    sites: proven.sites.filter(({ id }) => attachPoints.has(id)),
    refusals: [...proven.refusals, ...refusals],
  };
  const needsCounters = asked.some((program) =>
    program.replaceable &&
    (leftOut.has(program.file) || missingSites(program, search).some(({ isLoss }) => isLoss))
  );
  const counters = needsCounters ? await RefusalCounters.of(server) : null;
  const facts: Facts = {
    server,
    search,
    receiveCall: server.sockets.includes("raw")
      ? await factOf(() => receiveCall(server))
      : { known: "recvmsg" },
    hookPoints: asked.some(({ namesHookPoints }) => namesHookPoints)
      ? await factOf(readHookPoints)
      : { known: [] },
    kernel,
    hasCounters: counters !== null,
  };
  return { facts, attachPoints, counters };
}

/**
 * The sites that some programs need. Every site is verified when it is found, and again here, so that a
 * file that was replaced or a process that ended in between costs only that site.
 */
async function provenTwice(
  server: Server,
  asked: readonly ProbeProgram[],
  findSites: FindSites,
  readHookPoints: () => Promise<readonly string[]>,
): Promise<SiteSearch> {
  const groups = new Set(asked.map(({ group }) => group).filter((group) => group !== undefined));
  const search = await findSites(server, [...groups], readHookPoints);
  const checked = await Promise.all(search.sites.map(async (site) => ({
    site,
    why: await recheck(server, site),
  })));
  return {
    sites: checked.filter(({ why }) => why === null).map(({ site }) => site),
    refusals: [
      ...search.refusals,
      ...checked.flatMap(({ site: { id }, why }) => why === null ? [] : [{ id, why }]),
    ],
  };
}

/** A fact, or why it is unknown. */
async function factOf<T>(find: () => Promise<T>): Promise<Fact<T>> {
  try {
    return { known: await find() };
  } catch (error) {
    if (!(error instanceof DiscoveryError)) throw error;
    return { why: error.message };
  }
}
