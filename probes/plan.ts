/**
 * The probe plan: which programs and sites for one server and one profile, what they will cost, and
 * what could not be had and why. Pure: facts in, plan out.
 *
 * @module
 */

import { HIT_PRICE_US } from "../discovery/prices.ts";
import { asksForArrivals } from "../discovery/sites/receive_call.ts";
import type { Server } from "../discovery/types.ts";
import type { Refusal, Site, SiteSearch } from "../discovery/sites/types.ts";
import { PARKED } from "../discovery/sites/allocation.ts";
import { type Profile, PROFILES, SOURCES } from "./sources.ts";

/** What a profile may take of the CPU time that the server spends on an exchange (DORA). */
const SHARE: Readonly<Record<Profile, number>> = { light: 0.08, standard: 0.18, deep: 0.35 };

/**
 * CPU time of an exchange by where its leases are, microseconds: a Kea 2.2.0 with two threads in a
 * nested VM (bench:overhead, bench:overhead --backend).
 */
const EXCHANGE_US = { memfile: 225, postgresql: 420, mysql: 420 } as const;

/** What a profile may take from an exchange of a server, microseconds of the server's CPU. */
export function budgetOf({ databases }: Pick<Server, "databases">, profile: Profile): number {
  return Math.round(SHARE[profile] * EXCHANGE_US[databases.leases ?? "memfile"]);
}

/** Whether a Kea has the kernel write down when each packet came; the programs look whether it has. */
export function knowsArrivals({ version }: Pick<Server, "version">): boolean {
  return asksForArrivals(version) ?? true;
}

/** A metric, or a part of one, that this run will not have. */
export interface Unavailable {
  readonly metric: string;
  readonly why: string;
}

/** A program chosen for the run, with its sites and its price. */
export interface PlannedSource {
  readonly file: string;
  readonly metrics: readonly string[];
  readonly sites: readonly Site[];
  /** Forecast, microseconds of the server's CPU an exchange. */
  readonly forecast: number;
}

/** What will be attached to one server. */
export interface Plan {
  readonly server: Server;
  readonly profile: Profile;
  readonly sources: readonly PlannedSource[];
  /** Forecast of the whole, microseconds of the server's CPU an exchange. */
  readonly forecast: number;
  readonly budget: number;
  readonly notAvailable: readonly Unavailable[];
  /** What the profile promises and this run will not have: reasons for a verdict of PARTIAL. */
  readonly losses: readonly string[];
}

/** Programs that a run goes on without, and why, by file name. */
export type LeftOut = ReadonlyMap<string, string>;

/**
 * Chooses programs in order of worth while the profile's budget lasts.
 *
 * A program that the profile asks for but that does not fit the budget, the server or the proven
 * sites is listed in `notAvailable` with the reason; the others go on without it.
 */
export function plan(
  server: Server,
  search: SiteSearch,
  profile: Profile,
  leftOut: LeftOut = new Map(),
): Plan {
  const sources: PlannedSource[] = [];
  const notAvailable: Unavailable[] = [];
  const losses: string[] = [];
  const unfits: Unavailable[] = [];
  const rank = PROFILES.indexOf(profile);
  const budget = budgetOf(server, profile);
  let forecast = 0;

  const served = new Set<string>();
  for (const source of SOURCES) {
    const missing = (why: string) => {
      // Several sites may be missing for one reason.
      if (notAvailable.some((said) => said.why === why)) return;
      notAvailable.push(...source.metrics.map((metric) => ({ metric, why })));
    };
    const lost = (why: string) => {
      missing(why);
      if (!losses.includes(why)) losses.push(why);
    };
    if (PROFILES.indexOf(source.from) > rank) continue;
    const unfit = source.unfit(server);
    if (unfit !== null) {
      if (unfit !== "") {
        unfits.push(
          ...source.metrics.map((metric) => ({ metric, why: `${source.file}: ${unfit}` })),
        );
      }
      continue;
    }
    const refused = leftOut.get(source.file);
    if (refused !== undefined) {
      lost(`${source.file}: ${refused}`);
      continue;
    }
    if (source.splits && !sources.some(({ file }) => file.startsWith("packets_"))) {
      missing(`${source.file}: no packet of the server is watched`);
      continue;
    }
    const parts = source.parts ?? [];
    const where = source.where ?? [];
    for (const pattern of [...source.needs, ...parts, ...where]) {
      const refusals = refusalsMatching(pattern, search.refusals);
      for (const { id, why, inherent } of refusals) {
        (inherent ? missing : lost)(`${source.file}: ${id}: ${why}`);
      }
      const isFound = sitesMatching(pattern, search.sites).length > 0;
      if (refusals.length === 0 && !isFound && !where.includes(pattern)) {
        lost(`${source.file}: no site found for ${pattern}`);
      }
    }
    if (where.some((each) => refusalsMatching(each, search.refusals).length > 0)) continue;
    if (source.needs.some((need) => sitesMatching(need, search.sites).length === 0)) continue;

    const sites: Site[] = [];
    const limit = source.beyondBudget === profile ? Infinity : budget;
    let price = source.tracepointsPerExchange * HIT_PRICE_US.tracepoint + source.bpfPerExchange;
    const take = (pattern: string): boolean => {
      const found = sitesMatching(pattern, search.sites);
      const dearer = forecastOf(found);
      if (forecast + price + dearer > limit) {
        missing(
          `${source.file}: ${pattern} would take ${dearer.toFixed(0)} us an exchange, ` +
            `${
              Math.max(0, limit - forecast - price).toFixed(0)
            } us of the ${profile} budget are left` +
            (source.beyondBudget === undefined ? "" : ` (--profile ${source.beyondBudget} has it)`),
        );
        return false;
      }
      price += dearer;
      sites.push(...found);
      return true;
    };
    if (forecast + price > limit) {
      missing(`${source.file}: it would take ${price.toFixed(0)} us an exchange, over the budget`);
      continue;
    }
    if (![...source.needs, ...where].every(take)) continue;
    for (const part of parts) take(part);
    if (parts.length > 0 && sites.length === 0) continue;
    forecast += price;
    for (const metric of source.metrics) served.add(metric);
    sources.push({ file: source.file, metrics: source.metrics, sites, forecast: price });
  }

  if (!sources.some(({ file }) => file.startsWith("packets_"))) {
    losses.push("No packet is watched: the server has no DHCP socket, or none that is known");
  }

  // The end of a callout tells what was parked; asking where tells only what may be.
  const knowsParked = sources.some(({ file }) => file === "callouts.bt");
  const chosen = sources.map((source) => {
    const [doubled, sites] = split(source.sites, ({ id }) => knowsParked && id === PARKED);
    return { ...source, sites, forecast: source.forecast - forecastOf(doubled) };
  });
  return {
    server,
    profile,
    sources: chosen,
    forecast: chosen.reduce((sum, { forecast }) => sum + forecast, 0),
    budget,
    notAvailable: [
      ...notAvailable,
      // A program for another kind of socket or database is no loss where one serves.
      ...unfits.filter(({ metric }) => !served.has(metric)),
      ...server.databases.whyAssumed === undefined ? [] : [{
        metric: "database_query_time",
        why:
          "the databases are those whose client libraries the server maps, it may not use all: " +
          server.databases.whyAssumed,
      }],
      ...knowsArrivals(server) ? [] : [{
        metric: "packet_socket_wait",
        why: "Kea 2.5.6 and later have the kernel write down when a packet came, this is " +
          server.version,
      }],
      ...dearer(profile),
    ],
    losses,
  };
}

/**
 * Metrics for which a source of a dearer profile would be needed, with the profile that has them.
 */
function dearer(profile: Profile): Unavailable[] {
  const rank = PROFILES.indexOf(profile);
  const had = new Set(
    SOURCES.filter((s) => PROFILES.indexOf(s.from) <= rank && s.aside !== true)
      .flatMap((s) => s.metrics),
  );
  return SOURCES
    .filter((s) => PROFILES.indexOf(s.from) > rank)
    .flatMap((s) => s.metrics.map((metric) => ({ metric, why: `needs --profile ${s.from}` })))
    .filter(({ metric }, index, all) =>
      !had.has(metric) && all.findIndex((other) => other.metric === metric) === index
    );
}

/** What the traps of some sites take from an exchange of two requests, microseconds. */
function forecastOf(sites: readonly Site[]): number {
  return sites.reduce((sum, site) => sum + 2 * site.hitsPerPacket * HIT_PRICE_US[site.class], 0);
}

/** Those of which something is true, and the others. */
function split<T>(all: readonly T[], isTrue: (each: T) => boolean): [T[], T[]] {
  return [all.filter(isTrue), all.filter((each) => !isTrue(each))];
}

/** Whether a site id matches a pattern in which `*` stands for any run of characters. */
export function matches(pattern: string, id: string): boolean {
  return new RegExp(`^${pattern.split("*").map(RegExp.escape).join(".*")}$`).test(id);
}

function sitesMatching(pattern: string, sites: readonly Site[]): Site[] {
  return sites.filter((site) => matches(pattern, site.id));
}

/** Refusals of sites that a pattern asks for; one of a whole group ends with a dot. */
function refusalsMatching(pattern: string, refusals: readonly Refusal[]): Refusal[] {
  return refusals.filter(({ id }) =>
    matches(pattern, id) || matches(pattern, `${id}.`) ||
    (id.endsWith(".") && pattern.startsWith(id))
  );
}
