/**
 * Watches one server until its time is over, it ends for good, or somebody says stop: plans,
 * attaches, reads, and yields the records of a capture. What goes wrong on the way becomes a note
 * in the capture, and the rest goes on.
 *
 * @module
 */

import { isGone, isRunning } from "../system/proc.ts";
import { setTimeout as pause } from "node:timers/promises";
import type { CaptureRecord, Sample } from "../metrics/capture.ts";
import { DiscoveryError } from "../discovery/discovery_error.ts";
import { describeServer, openFiles, runningKeas } from "../discovery/servers.ts";
import type { Family, Server } from "../discovery/types.ts";
import { type Bpftrace, BpftraceError } from "./bpftrace.ts";
import { demangleTypes } from "./exception_names.ts";
import { headerOf, planRecordOf, serverRecordOf } from "./plan_record.ts";
import { type FindHostPid, type FindSites, prepare, type Prepared } from "./prepare.ts";
import { monotonicTime, wallClockOffset } from "../system/libc.ts";
import { PriceMeter } from "./price.ts";
import { Placed } from "./placed.ts";
import { type Maps, ProbeRun } from "./probe_run.ts";
import { programsIn } from "./placements.ts";
import { SlowPackets } from "./slow_packets.ts";
import { CALLOUT_MAPS, CalloutNames } from "./callout_names.ts";
import { basesOf } from "../discovery/mapped_files.ts";
import { fullMaps, renamingOf, statementUsers, translator } from "./readings.ts";
import { STATEMENT_MAPS, StatementNames } from "./statement_names.ts";
import { ServerSampler } from "./server_sample.ts";
import { changeOf, type ServerChange, settled } from "./server_change.ts";
import { CounterCheck, PATIENCE_MS } from "./counter_check.ts";
import { Gap } from "./gap.ts";
import type { Profile } from "./programs.ts";

/** What to watch, and for how long. */
export interface WatchOptions {
  readonly server: Server;
  readonly profile: Profile;
  readonly bpftrace: Bpftrace;
  /** Length of a window, milliseconds. */
  readonly intervalMs: number;
  /** Milliseconds from the moment that every probe is attached. */
  readonly durationMs: number;
  /** Stops the watch; what was measured is kept. */
  readonly signal: AbortSignal;
  /** Told what happens, for people: one line each. */
  readonly say: (line: string) => void;
  /** How long a server that ended may take to come back, milliseconds; 15 s without it. */
  readonly restartGraceMs?: number;
  readonly findSites?: FindSites;
  readonly findHostPid?: FindHostPid;
  /** Packets that take longer are told one by one. */
  readonly slow?: SlowOptions;
}

/** What is done with slow packets. */
export interface SlowOptions {
  /** From when on a packet is slow, nanoseconds. */
  readonly thresholdNs: number;
  /** Whether clients and transactions are hashed. */
  readonly redacts: boolean;
}

/** How long a server that ended may take to come back. */
const RESTART_GRACE_MS = 15_000;

/** Longest time to attach everything; 0.17 takes about 0.1 s a probe. */
const ATTACH_LIMIT_MS = 60_000;

/** How long a reading may be overdue before bpftrace is taken for stuck. */
const SILENCE_LIMIT_MS = 15_000;

/** Longest time between two readings: so long may it take to stop. */
const LONGEST_READING_MS = 2000;

/** How many readings of the maps make a window. */
function readingsPerWindow(intervalMs: number): number {
  return Math.ceil(intervalMs / LONGEST_READING_MS);
}

/** How a segment came to its end. */
type Outcome =
  | ServerChange
  | "over"
  | "clock set"
  | "bpftrace ended"
  | "not attached";

/**
 * Watches a server.
 *
 * Yields a header, samples (the first of each segment is its baseline), a segment record whenever
 * the probes are attached anew, notes, and an end record with the verdict. After that it ends when
 * every probe is detached.
 *
 * @throws {BpftraceError} when not even the system calls can be watched.
 */
export async function* watch(options: WatchOptions): AsyncGenerator<CaptureRecord> {
  const watched: Watched = {
    options,
    zero: performance.now(),
    deadline: null,
    reasons: [],
    dying: [],
    complaint: "",
    blamed: [],
    gap: new Gap(),
    origin: null,
  };
  const started = new Date();
  const { pid } = options.server;
  const networkNamespace = await Deno.readLink(`/proc/${pid}/ns/net`).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new DiscoveryError(
      `Cannot watch process ${pid}: it does not run any more, start it again`,
    );
  });
  let { server, profile } = options;
  let segment = 0;
  let attempts = 0;
  /** Programs that did not attach to this server, and why. */
  const leftOut = new Map<string, string>();
  let notAvailable: Prepared["plan"]["notAvailable"] = [];

  while (true) {
    let outcome: Outcome;
    {
      await using prepared = await prepare(
        server,
        profile,
        options.bpftrace,
        Math.round(options.intervalMs / readingsPerWindow(options.intervalMs)),
        {
          findSites: options.findSites,
          findHostPid: options.findHostPid,
          slowNs: options.slow?.thresholdNs,
          leftOut,
        },
      ).catch(ifStillRunning(server));
      // What could not be had of a server that is gone says nothing.
      if (prepared === null || !await isRunning(server.pid, server.startTicks)) {
        if (segment === 0) throw endedTooEarly(server);
        outcome = "server ended";
      } else {
        notAvailable = prepared.plan.notAvailable;
        if (segment === 0) {
          yield headerOf(prepared.plan, options, started);
        } else {
          yield {
            type: "segment",
            segment,
            elapsed_ns: elapsed(watched),
            server: serverRecordOf(server),
            plan: planRecordOf(prepared.plan),
            reason: watched.gap.causes || watched.complaint,
          };
        }
        for (const reason of prepared.plan.losses) {
          if (!watched.reasons.includes(reason)) yield note(watched, reason);
        }
        outcome = yield* readSegment(watched, prepared, server, segment);
        segment++;
      }
    }
    if (outcome === "over") break;
    if (outcome === "not attached") {
      // One site keeps the whole run out: go on without its program, or with what needs hardly any site.
      if (watched.blamed.length > 0) {
        for (const file of watched.blamed) leftOut.set(file, watched.complaint);
        continue;
      }
      if (profile === "light" || attempts++ > 0) {
        throw new BpftraceError(`Cannot attach, bpftrace says: ${watched.complaint || "nothing"}`);
      }
      watched.gap.cause(`The ${profile} profile did not attach (${watched.complaint}), light does`);
      profile = "light";
    } else if (outcome === "bpftrace ended") {
      watched.gap.cause(`bpftrace was ended from outside: ${watched.complaint || "killed"}`);
      if (attempts++ > 0 || isOver(watched)) break;
    } else if (outcome === "clock set") {
      watched.gap.cause("The host's clock was set: attached anew, to know when packets came");
    } else if (outcome === "server changed") {
      watched.gap.cause(
        "The server changed its sockets, its lease file or its hook libraries: attached anew",
      );
      // One that ended meanwhile is found out by the next attempt.
      server = await settled(server.pid).catch(ifGone(server));
      // What did not attach to the server as it was may well do so now.
      leftOut.clear();
      [profile, attempts] = [options.profile, 0];
    } else {
      options.say(`The server (pid ${server.pid}) ended, waiting for it to come back`);
      const next = await successor(server, networkNamespace, watched);
      if (next === null) {
        if (watched.deadline === null) throw endedTooEarly(server);
        watched.gap.cause(`The server (pid ${server.pid}) ended`);
        break;
      }
      watched.gap.cause(`The server restarted: pid ${server.pid}, then ${next.pid}`);
      server = next;
      leftOut.clear();
      [profile, attempts] = [options.profile, 0];
    }
  }

  const unwatched = watched.gap.wordsAt(elapsed(watched));
  if (unwatched !== null) yield note(watched, unwatched);
  yield {
    type: "end",
    elapsed_ns: unwatched === null ? watched.gap.lastNs : elapsed(watched),
    ended: new Date().toISOString(),
    verdict: watched.reasons.length === 0 ? "COMPLETE" : "PARTIAL",
    reasons: [...watched.reasons],
    not_available: notAvailable.map(({ metric, why }) => ({ metric, why })),
  };
  await Promise.all(watched.dying);
}

/** What lives as long as the watch. */
interface Watched {
  readonly options: WatchOptions;
  /** `performance.now()` at the start: elapsed times count from here. */
  readonly zero: number;
  /** `performance.now()` at which the time is over; null until the first probes are attached. */
  deadline: number | null;
  readonly reasons: string[];
  /** Runs that nobody waits for, until they are gone. */
  readonly dying: Promise<void>[];
  /** The last thing that bpftrace said of its end. */
  complaint: string;
  /** The programs because of which the last segment did not attach, where that is known. */
  blamed: readonly string[];
  /** What is not watched since the last reading. */
  readonly gap: Gap;
  /** The first reading, by the programs' clock and by ours; null before it. */
  origin: { readonly nsecs: number; readonly elapsedNs: number } | null;
}

async function* readSegment(
  watched: Watched,
  { plan, rendered, wallClock, symbols, hookPoints, statements, counters }: Prepared,
  server: Server,
  segment: number,
): AsyncGenerator<CaptureRecord, Outcome> {
  const { options } = watched;
  watched.blamed = [];
  const placed = await Placed.before(server.pid, plan.sources.flatMap(({ sites }) => sites))
    .catch((error) => {
      if (isGone(error)) return null;
      throw error;
    });
  // It is ending, or has unloaded a library since the plan was made.
  if (placed === null) return await changeOf(server) ?? "server changed";
  await using run = ProbeRun.start(options.bpftrace, rendered, symbols);
  await using price = new PriceMeter(run.pid, options.intervalMs);
  const perWindow = readingsPerWindow(options.intervalMs);
  const periodMs = options.intervalMs / perWindow;
  let outcome: Outcome | null = null;
  /** Whether nobody reads any more. */
  let isClosed = false;
  /** When every probe was attached, by the clock of the readings. */
  let attachedAt: bigint | null = null;
  /** Begun with the first reading. */
  let check: CounterCheck | null = null;
  let limit = setTimeout(() => stop("not attached"), ATTACH_LIMIT_MS);
  // The next reading is the last: while probes are detached, one by one, those that are left count on,
  // and what they count does not fit together.
  let lastFrom = 0n;
  const stop = (why: Outcome, from = 0n) => {
    if (outcome !== null || isClosed) return;
    outcome = why;
    lastFrom = from;
    clearTimeout(limit);
    if (attachedAt === null) run.stop();
    else limit = setTimeout(() => run.stop(), periodMs + SILENCE_LIMIT_MS);
  };
  // What was printed before may still wait to be read, and Kea's answer is held against the last reading.
  const stopSoon = (why: Outcome) => {
    if (outcome !== null) return;
    stop(why, monotonicTime() + BigInt(PATIENCE_MS) * 1_000_000n);
    check?.ask();
    (check?.end() ?? Promise.resolve()).then(() => lastFrom = monotonicTime());
  };
  const onAbort = () => stopSoon("over");
  options.signal.addEventListener("abort", onAbort, { once: true });
  if (options.signal.aborted) onAbort();
  let isLooking = false;
  const watchman = setInterval(async () => {
    // A server with very many descriptors takes longer than a second to look at.
    if (isLooking) return;
    isLooking = true;
    // What could not be looked at this time will be the next.
    const change = await changeOf(server).catch(() => null) ??
      (wasSet(wallClock) ? "clock set" : null);
    isLooking = false;
    if (change !== null) stopSoon(change);
  }, 1000);

  try {
    const callouts = new CalloutNames(server, hookPoints);
    const bases = basesOf(await Deno.readTextFile(`/proc/${server.pid}/maps`).catch(() => ""));
    const named = new StatementNames({
      pid: server.pid,
      statements,
      users: statementUsers(plan, bases),
      numberAt: Number(factOf(plan, "number") ?? 0),
    });
    const renaming = (names: Iterable<string>, rename: (key: string) => string) =>
      Object.fromEntries(Array.from(names, (name) => [name, rename]));
    const translate = translator(rendered.maps, {
      ...renamingOf(plan, bases),
      ...renaming(CALLOUT_MAPS, (key) => callouts.renumbered(key)),
      ...renaming(STATEMENT_MAPS, (key) => named.renamed(key)),
    });
    const sampler = new ServerSampler(server.pid);
    const slow = new SlowPackets(server.family, options.slow?.redacts ?? true);
    const sample = async (maps: Maps, elapsedNs: number) => {
      await callouts.learn(maps);
      await named.learn(maps);
      return {
        type: "sample" as const,
        segment,
        elapsed_ns: elapsedNs,
        maps: {
          ...translate(maps),
          ...counters === null ? {} : { "@statistics": await counters.read() },
        },
        names: { ...await demangleTypes(typesIn(maps)), ...callouts.names },
        process: await sampler.process(),
        sockets: await sampler.sockets(server.sockets),
        cost: await price.read(),
      };
    };
    const unknownDrops = async function* ({ process, sockets }: Sample) {
      const reason = "The kernel's drops are not known: ss does not show the server's sockets";
      if (server.sockets.length === 0 || process === null || sockets.length > 0) return;
      // A server that closed them is attached to anew.
      if (watched.reasons.includes(reason) || await changeOf(server) !== null) return;
      yield note(watched, reason);
    };
    /** When the baseline was read, by the programs' clock. */
    let baselineAt: number | null = null;
    let readings = 0;
    let probes = 0;
    /** Whether the last reading came. */
    let isEnded = false;

    // Not for await: leaving that would end the events of a run that is still dying.
    for (let next = await run.events.next(); !next.done; next = await run.events.next()) {
      const event = next.value;
      if (event.type === "attached") {
        attachedAt = monotonicTime();
        probes = event.probes;
        const misplaced = await placed.misplaced();
        if (misplaced !== null) {
          await run.abandon();
          watched.complaint = misplaced.why;
          watched.blamed = plan.sources.filter(({ sites }) =>
            misplaced.missing.length === 0
              ? sites.length > 0
              : sites.some((site) => misplaced.missing.includes(site))
          ).map(({ file }) => file);
          return "not attached";
        }
        if (event.probes !== rendered.probes) {
          yield note(
            watched,
            `${event.probes} probes are attached, ${rendered.probes} were planned`,
          );
        }
      } else if (event.type === "reading") {
        const { nsecs, maps } = event;
        // Printed when all is detached, or before all was attached.
        if (nsecs === null || attachedAt === null || nsecs < attachedAt) continue;
        for (const name of fullMaps(maps)) {
          const reason = `${name} is full: what has a new key there is not counted any more`;
          if (!watched.reasons.includes(reason)) yield note(watched, reason);
        }
        const elapsedNs = elapsedAt(watched, nsecs);
        if (baselineAt === null) {
          // The baseline: what was counted until now, while probe after probe was attached, is nothing.
          baselineAt = nsecs;
          watched.deadline ??= performance.now() + options.durationMs;
          const baseline = await sample(maps, elapsedNs);
          check = await CounterCheck.begin(server);
          const unwatched = watched.gap.wordsAt(elapsedNs);
          if (unwatched !== null) yield note(watched, unwatched);
          watched.gap.reading(elapsedNs);
          options.say(`Watching pid ${server.pid} with ${probes} probes`);
          yield baseline;
          yield* unknownDrops(baseline);
          if (outcome === null) {
            clearTimeout(limit);
            limit = setTimeout(() => stop("over"), watched.deadline - performance.now());
          }
        } else {
          // The reading that is nearest to the end.
          const leftMs = watched.deadline! - performance.now();
          if (leftMs < periodMs / 2) stop("over");
          const contradiction = check?.against(nsecs, maps) ?? null;
          if (contradiction !== null) {
            check = null;
            yield note(watched, contradiction);
          }
          // Where the next reading is the last, Kea's answer must come before it.
          if (leftMs >= periodMs / 2) check?.askInTime(leftMs < 1.5 * periodMs);
          readings++;
          if (outcome === null && readings % perWindow !== 0) continue;
          watched.gap.reading(elapsedNs);
          const state = await sample(maps, elapsedNs);
          yield state;
          yield* unknownDrops(state);
        }
        if (outcome !== null && nsecs >= lastFrom) {
          isEnded = true;
          watched.dying.push(run.abandon());
          break;
        }
      } else if (event.type === "slow") {
        const { nsecs, packet } = slow.read(event.line);
        if (baselineAt !== null && nsecs >= baselineAt) {
          yield { ...packet, elapsed_ns: elapsedAt(watched, nsecs) };
        }
      } else if (event.type === "lost") {
        yield note(watched, `bpftrace lost ${event.events} of its own events`);
      } else {
        watched.complaint = event.complaint || `it ended with status ${event.code}`;
        if (attachedAt === null) watched.blamed = programsIn(event.complaint, plan);
      }
    }
    const isAttached = attachedAt !== null;
    if (outcome === "over" && !isEnded && watched.gap.causes === "") {
      watched.gap.cause(
        baselineAt === null
          ? "It was stopped before every probe was attached"
          : "bpftrace gave no last reading",
      );
    }
    return outcome ?? await changeOf(server) ?? (isAttached ? "bpftrace ended" : "not attached");
  } finally {
    isClosed = true;
    clearTimeout(limit);
    clearInterval(watchman);
    await check?.end();
    options.signal.removeEventListener("abort", onAbort);
  }
}

/** Whether somebody set the wall clock by a millisecond or more since a program was told of it. */
function wasSet(wallClock: bigint): boolean {
  if (wallClock === 0n) return false;
  const moved = wallClockOffset() - wallClock;
  return moved > 1_000_000n || moved < -1_000_000n;
}

/** A fact that the plan's sites bring. */
function factOf({ sources }: Prepared["plan"], name: string): string | undefined {
  return sources.flatMap(({ sites }) => sites).find(({ facts }) => facts?.[name] !== undefined)
    ?.facts?.[name];
}

function endedTooEarly({ pid }: Server): DiscoveryError {
  return new DiscoveryError(
    `Cannot watch process ${pid}: it ended before the probes were attached, start it again`,
  );
}

/** For `catch`: null when the reason is that the server is gone. */
function ifStillRunning({ pid, startTicks }: Server): (error: unknown) => Promise<null> {
  return async (error) => {
    if (await isRunning(pid, startTicks)) throw error;
    return null;
  };
}

/** For `catch`: what was known of a server that is gone. */
function ifGone(server: Server): (error: unknown) => Server {
  return (error) => {
    if (error instanceof DiscoveryError) return server;
    throw error;
  };
}

/** Waits for a server of the same kind in the same network namespace. */
async function successor(
  server: Server,
  networkNamespace: string,
  watched: Watched,
): Promise<Server | null> {
  const since = performance.now();
  const limit = since + (watched.options.restartGraceMs ?? RESTART_GRACE_MS);
  while (performance.now() < limit && !isOver(watched)) {
    for (const { pid, family } of runningKeas()) {
      if (family !== server.family || !await isAt(pid, family, networkNamespace)) continue;
      const next = await describeServer(pid).catch(() => null);
      if (next !== null && (pid !== server.pid || next.startTicks !== server.startTicks)) {
        return next;
      }
    }
    // One that stays away for long is not looked for as often.
    const isLong = performance.now() - since > RESTART_GRACE_MS;
    await pause(isLong ? 2000 : 200);
  }
  return null;
}

/** Whether a process is in a network namespace, and has opened sockets for DHCP there. */
async function isAt(pid: number, family: Family, networkNamespace: string): Promise<boolean> {
  try {
    // A server that has not opened its sockets yet would get a plan without packets.
    return await Deno.readLink(`/proc/${pid}/ns/net`) === networkNamespace &&
      (await openFiles(pid, family)).sockets.length > 0;
  } catch {
    // Whatever is wrong with it is its own.
    return false;
  }
}

function isOver({ options, deadline }: Watched): boolean {
  return options.signal.aborted || (deadline !== null && performance.now() >= deadline);
}

function elapsed({ zero }: Watched): number {
  return Math.round((performance.now() - zero) * 1e6);
}

/** The elapsed time of a reading: all segments have the programs' clock, whenever their lines are read. */
function elapsedAt(watched: Watched, nsecs: number): number {
  watched.origin ??= { nsecs, elapsedNs: elapsed(watched) };
  return watched.origin.elapsedNs + nsecs - watched.origin.nsecs;
}

function note(watched: Watched, reason: string): CaptureRecord {
  watched.reasons.push(reason);
  watched.options.say(reason);
  return { type: "note", elapsed_ns: elapsed(watched), reason };
}

function typesIn(maps: Maps): string[] {
  return Object.keys(maps["@exceptions"] ?? {});
}
