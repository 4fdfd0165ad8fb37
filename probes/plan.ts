/**
 * The probe plan: which programs and sites for one server and one profile, what they will cost, and
 * what is not available and why. Pure: facts in, plan out.
 *
 * @module
 */

import { COST_PER_HIT_US } from "../discovery/costs.ts";
import { asksForArrivals, type ReceiveCall } from "../discovery/sites/receive_call.ts";
import type { Server } from "../discovery/types.ts";
import type { Refusal, Site, SiteSearch } from "../discovery/sites/types.ts";
import { countingCost, type PacketCounting, PLAIN_COUNTING } from "./packet_counting.ts";
import { type ProbeProgram, type Profile, PROFILES, PROGRAMS, type Provision } from "./programs.ts";

/** What a profile may take of the CPU time that the server spends on an exchange (DORA). */
const SHARE: Readonly<Record<Profile, number>> = { light: 0.08, standard: 0.19, deep: 0.35 };

/**
 * CPU time per exchange by lease backend, microseconds: Kea 2.2.0 with two threads in a nested VM
 * (bench:overhead, bench:overhead --backend).
 */
const EXCHANGE_US = { memfile: 225, postgresql: 420, mysql: 420 } as const;

/** The budget of a profile, microseconds of the server's CPU per exchange. */
export function budgetOf({ databases }: Pick<Server, "databases">, profile: Profile): number {
  return Math.round(SHARE[profile] * EXCHANGE_US[databases.leases ?? "memfile"]);
}

/** Whether a Kea requests the kernel's time stamp of each packet; the programs check for it. */
export function knowsArrivals({ version }: Pick<Server, "version">): boolean {
  return asksForArrivals(version) ?? true;
}

/** A fact about a server, or why it is unknown. */
export type Fact<T> = { readonly known: T } | { readonly why: string };

/** All facts for a plan, gathered before it: see `gatherFacts()`. */
export interface Facts {
  readonly server: Server;
  /** Verified sites that bpftrace can find, and those that are not available. */
  readonly search: SiteSearch;
  /** With which call the server takes packets from its sockets. */
  readonly receiveCall: Fact<ReceiveCall>;
  /** Hook points by Kea's number; empty if no program needs them. */
  readonly hookPoints: Fact<readonly string[]>;
  /** What the kernel offers. */
  readonly kernel: KernelFacts;
  /** Whether Kea's own counters replace a program that lacks sites. */
  readonly hasCounters: boolean;
}

/** What a kernel offers to see packets by. */
export interface KernelFacts {
  /** Whether it is known where the kernel keeps a system call's registers, see `registersOffset()`. */
  readonly hasRegisters: boolean;
  /** Whether it reports the bytes that each socket received and sent: Linux 6.3 and later. */
  readonly reportsSockets: boolean;
}

/**
 * Where packets are seen: where sockets receive and send, or where system calls do. A system call's tracepoint makes
 * every system call of every process of the host a little slower.
 */
export const EDGES = ["sockets", "calls"] as const;
export type Edges = typeof EDGES[number];

/** A metric, or a part of one, that this run does not have. */
export interface Unavailable {
  readonly metric: string;
  readonly why: string;
}

/** A program chosen for the run, with its sites and its cost. */
export interface PlannedSource extends Pick<ProbeProgram, "file" | "metrics" | "maps"> {
  /** What the other programs may use of it; null for nothing. */
  readonly provides: Provision | null;
  readonly sites: readonly Site[];
  /** Forecast, microseconds of the server's CPU per exchange. */
  readonly forecast: number;
}

/** What will be attached to one server. */
export interface Plan {
  readonly server: Server;
  readonly profile: Profile;
  readonly sources: readonly PlannedSource[];
  /** Forecast of the whole, microseconds of the server's CPU per exchange. */
  readonly forecast: number;
  readonly budget: number;
  readonly notAvailable: readonly Unavailable[];
  /** What the profile promises and this run does not have: reasons for the verdict PARTIAL. */
  readonly losses: readonly string[];
  /** With which call the server takes packets from its sockets. */
  readonly receiveCall: ReceiveCall;
  /** Where packets are seen. */
  readonly edges: Edges;
}

/** Programs that a run leaves out, and why, by file name. */
export type LeftOut = ReadonlyMap<string, string>;

/**
 * Chooses programs in order of value while the profile's budget lasts.
 *
 * A program of the profile that does not fit the budget, the server or the verified sites is listed in
 * `notAvailable` with the reason; the others run without it. Only this function decides what is lost.
 */
export function plan(
  facts: Facts,
  profile: Profile,
  leftOut: LeftOut = new Map(),
  counting: PacketCounting = PLAIN_COUNTING,
): Plan {
  const { server, search, receiveCall, hookPoints, kernel } = facts;
  // What a user asks for comes on top, and takes the place of nothing.
  const extra = countingCost(counting);
  const budget = budgetOf(server, profile) + extra;
  const lacks = new Lacks(facts);
  const sources: PlannedSource[] = [];
  const provides = (provision: Provision) => sources.some((each) => each.provides === provision);
  // At the sockets, the bytes are found by the system call's registers.
  const edges: Edges = kernel.reportsSockets && kernel.hasRegisters ? "sockets" : "calls";

  for (const program of PROGRAMS) {
    if (!isIn(profile, program)) continue;
    const unsupported = program.unsupportedReason?.(server) ?? null;
    if (unsupported !== null) {
      if (unsupported !== "") lacks.unsupported(program, unsupported);
      continue;
    }
    const refused = leftOut.get(program.file);
    if (refused !== undefined) {
      lacks.lost(program, refused);
      continue;
    }
    if (program.requires !== undefined && !provides(program.requires)) {
      lacks.missing(program, "no packet of the server is watched");
      continue;
    }
    for (const { why, isLoss } of missingSites(program, search)) {
      if (isLoss) lacks.lost(program, why);
      else lacks.missing(program, why);
    }
    const left = (program.ignoresBudgetIn === profile ? Infinity : budget) - forecastOf(sources);
    const planned = choose(program, search, left, profile, edges, lacks);
    if (planned === null) continue;
    const more = planned.provides === "packets" ? extra : 0;
    sources.push({ ...planned, forecast: planned.forecast + more });
  }

  const losses = lacks.losses();
  if (!provides("packets")) {
    losses.push("No packet is watched: the server has no DHCP socket, or none that is known");
  }
  if (provides("parking") && "why" in hookPoints) losses.push(hookPoints.why);
  if ("why" in receiveCall) losses.push(receiveCall.why);

  const chosen = sources.map((source) => withoutDoubled(source, provides));
  return {
    server,
    profile,
    sources: chosen,
    forecast: forecastOf(chosen),
    budget,
    notAvailable: [
      ...lacks.notAvailable(new Set(sources.flatMap(({ metrics }) => metrics))),
      ...server.databases.whyAssumed === undefined ? [] : [{
        metric: "database_query_time",
        why:
          "the databases are those whose client libraries the server maps, it may not use all: " +
          server.databases.whyAssumed,
      }],
      ...knowsArrivals(server) ? [] : [{
        metric: "packet_socket_wait",
        why: "only Kea 2.5.6 and later request the kernel's time stamps, this is " +
          server.version,
      }],
      ...kernel.hasRegisters ? [] : withoutCauses(chosen),
      ...needsHigherProfile(profile, server),
    ],
    losses,
    // As in all recent versions.
    receiveCall: "known" in receiveCall ? receiveCall.known : "recvmsg",
    edges,
  };
}

/** What waits lack where the place of a system call's registers is unknown. */
function withoutCauses(sources: readonly PlannedSource[]): Unavailable[] {
  const waits = sources.find(({ provides }) => provides === "waits");
  if (waits === undefined) return [];
  const why =
    `${waits.file}: where this kernel keeps a system call's registers is unknown, so waits ` +
    "for a lock, a disk, the network or memory all count as other";
  return waits.metrics.map((metric) => ({ metric, why }));
}

/** The programs of a plan that trace system calls, which makes each of every process of the host a little slower. */
export function callTracers({ sources, edges }: Pick<Plan, "sources" | "edges">): string[] {
  return sources.map(({ file }) => PROGRAMS.find((each) => each.file === file)!)
    .filter((program) =>
      program.tracepointsPerExchange !== undefined &&
      (edges === "calls" || program.atSocketsPerExchange === undefined)
    ).map(({ file }) => file);
}

/** Whether a program belongs to a profile. */
export function isIn(profile: Profile, { minProfile }: ProbeProgram): boolean {
  return PROFILES.indexOf(minProfile) <= PROFILES.indexOf(profile);
}

/** Why sites that a program needs are missing, and whether that is a loss. */
export function missingSites(
  { requiredSites = [], optionalSites = [], sitesIfPresent }: ProbeProgram,
  search: SiteSearch,
): { readonly why: string; readonly isLoss: boolean }[] {
  const ifPresent = sitesIfPresent?.ids ?? [];
  return [...requiredSites, ...optionalSites, ...ifPresent].flatMap((pattern) => {
    const refusals = refusalsMatching(pattern, search.refusals);
    if (refusals.length > 0) {
      return refusals.map(({ id, why, inherent }) => ({ why: `${id}: ${why}`, isLoss: !inherent }));
    }
    const isMissing = sitesMatching(pattern, search.sites).length === 0;
    if (!isMissing || ifPresent.includes(pattern)) return [];
    return [{ why: `no site found for ${pattern}`, isLoss: true }];
  });
}

/**
 * Chooses the sites of a program.
 *
 * @param left the rest of the budget, microseconds per exchange.
 * @returns null when required sites are missing or too expensive.
 */
function choose(
  program: ProbeProgram,
  { sites, refusals }: SiteSearch,
  left: number,
  profile: Profile,
  edges: Edges,
  lacks: Lacks,
): PlannedSource | null {
  const { requiredSites = [], optionalSites = [], sitesIfPresent } = program;
  const { tracepointsPerExchange = 0, bpfPerExchange = 0 } = program;
  const ifPresent = sitesIfPresent?.ids ?? [];
  if (ifPresent.some((each) => refusalsMatching(each, refusals).length > 0)) return null;
  if (requiredSites.some((each) => sitesMatching(each, sites).length === 0)) return null;

  let cost = tracepointsPerExchange * COST_PER_HIT_US.tracepoint + bpfPerExchange;
  if (edges === "sockets") cost = program.atSocketsPerExchange ?? cost;
  if (cost > left) {
    const why = `it would take ${cost.toFixed(0)} us per exchange, over the budget`;
    lacks.missing(program, why);
    return null;
  }
  const taken: Site[] = [];
  const take = (pattern: string): boolean => {
    const found = sitesMatching(pattern, sites);
    const more = costOf(found);
    if (cost + more > left) {
      lacks.missing(
        program,
        `${pattern} would take ${more.toFixed(0)} us per exchange, ` +
          `${Math.max(0, left - cost).toFixed(0)} us of the ${profile} budget are left` +
          (program.ignoresBudgetIn === undefined
            ? ""
            : ` (--profile ${program.ignoresBudgetIn} has it)`),
      );
      return false;
    }
    cost += more;
    taken.push(...found);
    return true;
  };
  if (![...requiredSites, ...ifPresent].every(take)) return null;
  for (const pattern of optionalSites) take(pattern);
  if (optionalSites.length > 0 && taken.length === 0) return null;
  const { file, metrics, maps, provides = null } = program;
  return { file, metrics, maps, provides, sites: taken, forecast: cost };
}

/** A program without the sites that another program of the plan makes unnecessary. */
function withoutDoubled(
  source: PlannedSource,
  provides: (provision: Provision) => boolean,
): PlannedSource {
  const doubled = PROGRAMS.find(({ file }) => file === source.file)?.sitesIfPresent;
  if (doubled === undefined || !provides(doubled.unless)) return source;
  const sites = source.sites.filter(({ id }) => !doubled.ids.includes(id));
  return { ...source, sites, forecast: source.forecast - costOf(source.sites) + costOf(sites) };
}

/** What a run does not have, and why. */
class Lacks {
  /** The programs that each reason leaves out. */
  readonly #lost = new Map<string, Set<string>>();
  readonly #hasCounters: boolean;
  readonly #missing: Unavailable[] = [];
  readonly #unsupported: Unavailable[] = [];

  constructor({ hasCounters }: Facts) {
    this.#hasCounters = hasCounters;
  }

  /** Adds something that the server does not have, which is not a loss. */
  missing(program: ProbeProgram, why: string): void {
    const whys = unavailable(program, why);
    // Several sites may be missing for one reason.
    if (!this.#missing.some((each) => each.why === whys[0]!.why)) this.#missing.push(...whys);
  }

  /** Adds something that the profile promises, unless Kea's own counters replace it. */
  lost(program: ProbeProgram, why: string): void {
    if (program.replaceable && this.#hasCounters) {
      this.missing(program, `${why}: Kea's own counters are shown in their place`);
      return;
    }
    this.missing(program, why);
    this.#lost.set(why, (this.#lost.get(why) ?? new Set()).add(program.file));
  }

  /** What is lost, one line for each reason. */
  losses(): string[] {
    return Array.from(this.#lost, ([why, files]) => `${[...files].join(", ")}: ${why}`);
  }

  /** Adds a program that is for other servers. */
  unsupported(program: ProbeProgram, why: string): void {
    this.#unsupported.push(...unavailable(program, why));
  }

  /** All of it; a program for another kind of socket or database is not a loss if one of its kind serves. */
  notAvailable(served: ReadonlySet<string>): Unavailable[] {
    return [...this.#missing, ...this.#unsupported.filter(({ metric }) => !served.has(metric))];
  }
}

function unavailable({ file, metrics }: ProbeProgram, why: string): Unavailable[] {
  return metrics.map((metric) => ({ metric, why: `${file}: ${why}` }));
}

/** Metrics that need a program of a more expensive profile, and that profile. */
function needsHigherProfile(profile: Profile, server: Server): Unavailable[] {
  const had = new Set(
    PROGRAMS.filter((each) => isIn(profile, each) && !each.supplementary)
      .flatMap(({ metrics }) => metrics),
  );
  const first = new Map<string, Profile>();
  for (const program of PROGRAMS.filter((each) => !isIn(profile, each))) {
    // Of another kind of server.
    if (program.unsupportedReason?.(server) === "") continue;
    for (const metric of program.metrics) {
      if (!had.has(metric) && !first.has(metric)) first.set(metric, program.minProfile);
    }
  }
  return Array.from(first, ([metric, other]) => ({ metric, why: `needs --profile ${other}` }));
}

function forecastOf(sources: readonly PlannedSource[]): number {
  return sources.reduce((sum, { forecast }) => sum + forecast, 0);
}

/** The cost of the traps of some sites, microseconds per exchange of two requests. */
function costOf(sites: readonly Site[]): number {
  return sites.reduce((sum, site) => sum + 2 * site.hitsPerPacket * COST_PER_HIT_US[site.class], 0);
}

/** Whether a site id matches a pattern; `*` matches any characters. */
export function matches(pattern: string, id: string): boolean {
  return new RegExp(`^${pattern.split("*").map(RegExp.escape).join(".*")}$`).test(id);
}

function sitesMatching(pattern: string, sites: readonly Site[]): Site[] {
  return sites.filter((site) => matches(pattern, site.id));
}

/** Refusals of sites that match a pattern; the id of a whole group ends with a dot. */
function refusalsMatching(pattern: string, refusals: readonly Refusal[]): Refusal[] {
  return refusals.filter(({ id }) =>
    matches(pattern, id) || matches(pattern, `${id}.`) ||
    (id.endsWith(".") && pattern.startsWith(id))
  );
}
