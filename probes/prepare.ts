/**
 * From a server to a program that is ready to attach: discovers, plans, proves again, renders.
 *
 * @module
 */

import { proveSites, recheck } from "../discovery/sites/prove.ts";
import type { Server } from "../discovery/types.ts";
import type { SiteSearch } from "../discovery/sites/types.ts";
import { type PrivateFolder, privateFolder } from "../system/private_folder.ts";
import type { Bpftrace } from "./bpftrace.ts";
import { wallClockOffset } from "../system/libc.ts";
import { place } from "./placements.ts";
import { knowsArrivals, type LeftOut, type Plan, plan } from "./plan.ts";
import { DiscoveryError } from "../discovery/discovery_error.ts";
import { hostProcessId } from "./host_process_id.ts";
import { hookPointsOf } from "../discovery/hook_points.ts";
import { type ReceiveCall, receiveCall } from "../discovery/sites/receive_call.ts";
import { statementsOf } from "../discovery/sites/sql_statements.ts";
import type { Statements } from "./statement_names.ts";
import { RefusalCounters } from "./refusal_counters.ts";
import { registersOffset } from "./registers_offset.ts";
import { render, type Rendered } from "./render.ts";
import { type Profile, PROFILES, SOURCES } from "./sources.ts";

/** How sites are found: `proveSites()`, but for tests that break a proof. */
export type FindSites = typeof proveSites;

/** How the programs' process id is found: `hostProcessId()`, but for tests that make them blind. */
export type FindHostPid = typeof hostProcessId;

/** A plan and its program. Disposing removes the private symbol files. */
export interface Prepared extends AsyncDisposable {
  readonly plan: Plan;
  readonly rendered: Rendered;
  /** What the program was told of the wall clock, see `wallClockOffset()`; 0: nothing. */
  readonly wallClock: bigint;
  /** Folder of private symbol files for bpftrace. */
  readonly symbols: string;
  /** Hook points by number; none where no callout is watched. */
  readonly hookPoints: readonly string[];
  /** Statements of MariaDB's client; none where they are not watched. */
  readonly statements: Statements;
  /** Kea's own counters, where they take the place of a program. */
  readonly counters: RefusalCounters | null;
}

/** Makes the plan for a server: which programs, at which proven sites, at what price. */
export async function planFor(server: Server, profile: Profile): Promise<Plan> {
  return plan(server, await provenTwice(server, profile, proveSites), profile);
}

/**
 * The sites that a profile asks for. Every site is proven when it is found and once more here, so that
 * a file replaced or a process gone in between costs that site and nothing else.
 */
async function provenTwice(
  server: Server,
  profile: Profile,
  findSites: FindSites,
): Promise<SiteSearch> {
  const asked = SOURCES.filter(({ from }) => PROFILES.indexOf(from) <= PROFILES.indexOf(profile));
  const groups = new Set(asked.map(({ group }) => group).filter((group) => group !== null));
  const search = await findSites(server, [...groups]);
  const checked = await Promise.all(search.sites.map(async (site) => ({
    site,
    why: await recheck(site),
  })));
  return {
    sites: checked.filter(({ why }) => why === null).map(({ site }) => site),
    refusals: [
      ...search.refusals,
      ...checked.flatMap(({ site: { id }, why }) => why === null ? [] : [{ id, why }]),
    ],
  };
}

/** What may be asked for beside a profile. */
export interface PrepareOptions {
  readonly findSites?: FindSites | undefined;
  readonly findHostPid?: FindHostPid | undefined;
  /** Packets that take longer are reported one by one, nanoseconds. */
  readonly slowNs?: number | undefined;
  /** Programs that did not attach to this server before. */
  readonly leftOut?: LeftOut;
}

/** Plans and renders for a server. */
export async function prepare(
  server: Server,
  profile: Profile,
  bpftrace: Bpftrace,
  intervalMs: number,
  more: PrepareOptions = {},
): Promise<Prepared> {
  const proven = await provenTwice(server, profile, more.findSites ?? proveSites);
  const symbols = await privateFolder("symbols");
  try {
    return await prepareIn(symbols, server, proven, profile, bpftrace, intervalMs, more);
  } catch (error) {
    await symbols[Symbol.asyncDispose]();
    throw error;
  }
}

async function prepareIn(
  symbols: PrivateFolder,
  server: Server,
  proven: SiteSearch,
  profile: Profile,
  bpftrace: Bpftrace,
  intervalMs: number,
  more: PrepareOptions,
): Promise<Prepared> {
  const { placements, refusals } = await place(proven.sites, symbols.path);
  const planned = plan(
    server,
    {
      sites: proven.sites.filter(({ id }) => placements.has(id)),
      refusals: [...proven.refusals, ...refusals],
    },
    profile,
    more.leftOut,
  );
  const { hookPoints, made: named } = await withHookPoints(planned);
  const { receives, made: receiving } = await withReceiveCall(named);
  const { counters, made } = await withCounters(receiving);
  const wallClock = knowsArrivals(server) ? wallClockOffset() : 0n;
  const rendered = render(made, await texts(made), placements, intervalMs, {
    registers: await registersOffset(bpftrace),
    receives,
    slowNs: more.slowNs ?? 0,
    wallClock,
    hostPid: await (more.findHostPid ?? hostProcessId)(server, bpftrace),
  });
  return {
    plan: made,
    rendered,
    wallClock,
    hookPoints,
    statements: await mariadbStatements(made),
    counters,
    symbols: symbols.path,
    [Symbol.asyncDispose]: () => symbols[Symbol.asyncDispose](),
  };
}

/** Names of the statements that the library with MariaDB's call sites prepares. */
async function mariadbStatements(made: Plan): Promise<Statements> {
  const site = made.sources.flatMap(({ sites }) => sites)
    .find(({ id }) => id.startsWith("mariadb.end."));
  return site === undefined ? {} : await statementsOf(site.file.pinnedPath);
}

/** Learns the names of the hook points; where that cannot be, callouts have numbers in their place. */
async function withHookPoints(
  made: Plan,
): Promise<{ readonly hookPoints: readonly string[]; readonly made: Plan }> {
  if (!made.sources.some(({ file }) => file === "callouts.bt")) return { hookPoints: [], made };
  try {
    return { hookPoints: await hookPointsOf(made.server), made };
  } catch (error) {
    if (!(error instanceof DiscoveryError)) throw error;
    return { hookPoints: [], made: { ...made, losses: [...made.losses, error.message] } };
  }
}

/** Asks Kea for its counters where the program that counts them has no sites, and Kea answers. */
async function withCounters(
  made: Plan,
): Promise<{ readonly counters: RefusalCounters | null; readonly made: Plan }> {
  const isMissing = (why: string) => why.startsWith("statistics.bt: ");
  if (!made.losses.some(isMissing)) return { counters: null, made };
  const counters = await RefusalCounters.of(made.server);
  if (counters === null) return { counters, made };
  return {
    counters,
    made: {
      ...made,
      losses: made.losses.filter((why) => !isMissing(why)),
      notAvailable: made.notAvailable.map(({ metric, why }) => ({
        metric,
        why: isMissing(why) ? `${why}: Kea's own counters are shown in their place` : why,
      })),
    },
  };
}

/** Finds out how a server receives; where that cannot be told, packets may be missing. */
async function withReceiveCall(
  made: Plan,
): Promise<{ readonly receives: ReceiveCall; readonly made: Plan }> {
  if (!made.server.sockets.includes("raw")) return { receives: "read", made };
  try {
    return { receives: await receiveCall(made.server), made };
  } catch (error) {
    if (!(error instanceof DiscoveryError)) throw error;
    // As all of the last years do.
    return { receives: "recvmsg", made: { ...made, losses: [...made.losses, error.message] } };
  }
}

/** The text of each program of a plan, by file name. */
async function texts(made: Plan): Promise<Map<string, string>> {
  return new Map(
    await Promise.all(
      made.sources.map(async ({ file }) =>
        [file, await Deno.readTextFile(new URL(file, import.meta.url))] as const
      ),
    ),
  );
}
