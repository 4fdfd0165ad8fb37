/**
 * Watches one server until the time is over, the server ends for good, or the watch is stopped: plans,
 * attaches, reads, and yields the records of a capture. A failure becomes a note in the capture, and the
 * watch continues.
 *
 * @module
 */

import type { CaptureRecord } from "../metrics/capture.ts";
import { DiscoveryError } from "../discovery/discovery_error.ts";
import { HeldFiles } from "../discovery/held_files.ts";
import { isRunning } from "../system/proc.ts";
import type { Server } from "../discovery/types.ts";
import { BpftraceError } from "./bpftrace.ts";
import { countingOf } from "./packet_counting.ts";
import { headerOf, planRecordOf, serverRecordOf } from "./plan_record.ts";
import type { Prepared } from "./preparation.ts";
import { type Outcome, periodOf, Segment } from "./segment.ts";
import { settled } from "./server_change.ts";
import { type Profile, PROGRAMS } from "./programs.ts";
import { successor } from "./successor.ts";
import { type WatchOptions, WatchState } from "./watch_state.ts";

export type { SlowOptions, WatchOptions } from "./watch_state.ts";

/** The next attempt. */
interface Attempt {
  readonly server: Server;
  readonly profile: Profile;
  /** Programs that failed to attach to this server, and why. */
  readonly leftOut: ReadonlyMap<string, string>;
  /** Why nothing but system calls is watched this time; null for no reason. */
  readonly hung: string | null;
  /** When bpftrace was ended from outside the last time, see `performance.now()`. */
  readonly lastEnd: number;
}

/** The outcome of an attempt. */
interface Result {
  readonly outcome: Outcome;
  /** bpftrace's last words. */
  readonly complaint: string;
  /** Programs that kept the others from being attached, if known. */
  readonly blamed: readonly string[];
}

/** What follows an attempt; null for the end of the watch. */
type Following = (
  state: WatchState,
  attempt: Attempt,
  result: Result,
  networkNamespace: string,
) => Attempt | null | Promise<Attempt | null>;

/** A bpftrace that is ended again sooner is not started again, milliseconds. */
const CALM_MS = 60_000;

const AFTER: Readonly<Record<Outcome, Following>> = {
  "over": () => null,

  "not attached": (state, attempt, { complaint, blamed }) => {
    // One site prevents the whole run: continue without its program, or with a profile of hardly any sites.
    if (blamed.length > 0) {
      const why = blamed.map((file) => [file, complaint] as const);
      return { ...attempt, leftOut: new Map([...attempt.leftOut, ...why]) };
    }
    if (attempt.profile === "light") {
      throw new BpftraceError(`Cannot attach, bpftrace says: ${complaint || "nothing"}`);
    }
    state.gap.cause(`The ${attempt.profile} profile did not attach (${complaint}), light does`);
    return { ...attempt, profile: "light" };
  },

  "bpftrace ended": (state, attempt, { complaint }) => {
    state.gap.cause(`bpftrace was ended from outside: ${complaint || "killed"}`);
    const now = performance.now();
    if (now - attempt.lastEnd < CALM_MS || state.isOver) return null;
    return { ...attempt, hung: null, lastEnd: now };
  },

  "process hangs": (_, attempt, { complaint }) => ({ ...attempt, hung: complaint }),

  "clock set": (state, attempt) => {
    state.gap.cause("The host's clock was set: attached anew, to know when packets came");
    return { ...attempt, hung: null };
  },

  "server changed": async (state, { server }) => {
    state.gap.cause(
      "The server changed its sockets, its lease file or its hook libraries: attached anew",
    );
    // If it has ended, the next attempt notices.
    return firstAttempt(
      state,
      await settled(server.pid, state.options.preparation).catch(ifGone(server)),
    );
  },

  "server ended": async (state, { server }, _, networkNamespace) => {
    state.options.say(`The server (pid ${server.pid}) ended, waiting for it to come back`);
    const next = await successor(server, networkNamespace, state);
    if (next === null) {
      if (state.deadline === null) throw endedTooEarly(server);
      state.gap.cause(`The server (pid ${server.pid}) ended`);
      return null;
    }
    state.gap.cause(`The server restarted: pid ${server.pid}, then ${next.pid}`);
    return firstAttempt(state, next);
  },
};

/**
 * Watches a server.
 *
 * Yields a header, samples (the first of each segment is its baseline), a segment record whenever
 * the probes are attached again, notes, and an end record with the verdict. Then it ends when every probe is
 * detached.
 *
 * @throws {BpftraceError} when not even the system calls can be watched.
 */
export async function* watch(options: WatchOptions): AsyncGenerator<CaptureRecord> {
  const state = new WatchState(options);
  const networkNamespace = await networkNamespaceOf(options.server);
  let attempt: Attempt | null = firstAttempt(state, options.server);
  let complaint = "";
  let segment = 0;
  let notAvailable: Prepared["plan"]["notAvailable"] = [];
  while (attempt !== null) {
    let result: Result = { outcome: "server ended", complaint, blamed: [] };
    {
      const { server } = attempt;
      // What is proved is what is probed: held until every probe is detached.
      using files = await HeldFiles.of(server);
      await using prepared = files && await preparedFor(state, attempt, files);
      // For a server that is gone, the list of what is not available has no meaning.
      if (files !== null && prepared !== null && isRunning(server.pid, server.startTicks)) {
        notAvailable = prepared.plan.notAvailable;
        if (segment === 0) {
          yield headerOf(prepared.plan, options, state.started);
        } else {
          yield {
            type: "segment",
            segment,
            elapsed_ns: state.elapsedNs,
            server: serverRecordOf(server),
            plan: planRecordOf(prepared.plan),
            reason: state.gap.causes || complaint,
          };
        }
        for (const reason of [...unmapped(files), ...prepared.plan.losses]) {
          yield* state.noteOnce(reason);
        }
        const reading = new Segment(state, prepared, server, segment++);
        const outcome = yield* reading.records();
        complaint = reading.complaint || complaint;
        result = { outcome, complaint, blamed: reading.blamed };
      } else if (segment === 0) {
        throw endedTooEarly(server);
      }
    }
    attempt = await AFTER[result.outcome](state, attempt, result, networkNamespace);
  }

  const unwatched = state.gap.wordsAt(state.elapsedNs);
  if (unwatched !== null) yield state.pastNote(unwatched);
  yield {
    type: "end",
    elapsed_ns: unwatched === null ? state.gap.lastNs : state.elapsedNs,
    ended: new Date().toISOString(),
    verdict: state.reasons.length === 0 ? "COMPLETE" : "PARTIAL",
    reasons: [...state.reasons],
    not_available: notAvailable.map(({ metric, why }) => ({ metric, why })),
  };
  await Promise.all(state.dying);
}

/** After a change of the server, programs that failed before may attach. */
function firstAttempt({ options }: WatchState, server: Server): Attempt {
  return { server, profile: options.profile, leftOut: new Map(), hung: null, lastEnd: -Infinity };
}

/** The plan and program of an attempt; null when the server is gone. */
async function preparedFor(
  { options }: WatchState,
  { server: { pid, startTicks }, profile, leftOut, hung }: Attempt,
  { server }: HeldFiles,
): Promise<Prepared | null> {
  const { bpftrace, intervalMs, preparation, slow } = options;
  try {
    return await preparation.prepare({
      ...{ server, profile, bpftrace },
      leftOut: hung === null ? leftOut : new Map([...leftOut, ...withSites(hung)]),
      intervalMs: Math.round(periodOf(intervalMs)),
      slowNs: slow?.thresholdNs ?? 0,
      counting: countingOf(options),
    });
  } catch (error) {
    if (isRunning(pid, startTicks)) throw error;
    return null;
  }
}

/** Every program that has probes in files, and why it is left out. */
function withSites(why: string): (readonly [file: string, why: string])[] {
  return PROGRAMS.filter(({ group }) => group !== undefined).map(({ file }) => [file, why]);
}

/** What is not seen because a library was unloaded, or replaced in memory, right after it was found. */
function unmapped({ missing }: HeldFiles): string[] {
  return missing.map((path) => `The server does not map "${path}" any more: it is not probed`);
}

async function networkNamespaceOf({ pid }: Server): Promise<string> {
  try {
    return await Deno.readLink(`/proc/${pid}/ns/net`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new DiscoveryError(
      `Cannot watch process ${pid}: it does not run any more, start it again`,
    );
  }
}

function endedTooEarly({ pid }: Server): DiscoveryError {
  return new DiscoveryError(
    `Cannot watch process ${pid}: it ended before the probes were attached, start it again`,
  );
}

/** For `catch`: the last description of a server that is gone. */
function ifGone(server: Server): (error: unknown) => Server {
  return (error) => {
    if (error instanceof DiscoveryError) return server;
    throw error;
  };
}
