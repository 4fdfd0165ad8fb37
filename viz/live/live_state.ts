/**
 * The state of the live view: windows in, state out. Pure, and of limited size however long a run is.
 *
 * @module
 */

import type { Cost, ListedPacket, Window } from "../../metrics/document.ts";
import type { Finding } from "../../metrics/findings/finding.ts";
import { findings } from "../../metrics/findings/findings.ts";
import type { ServerSetup } from "../../metrics/server_setup.ts";
import { mergedWindows } from "../../metrics/overview.ts";
import { counters, errorName, secondsOf, sumOf, trafficOf } from "../series.ts";
import type { Family } from "../../metrics/dhcp.ts";

/** What is watched, and how long. */
export interface LiveFacts {
  readonly version: string;
  readonly family: Family;
  readonly pid: number;
  readonly profile: string;
  readonly durationSeconds: number;
  /** What findings need to know of the server; absent if it is not known. */
  readonly setup?: ServerSetup;
  /** A slower packet is listed, nanoseconds. */
  readonly slowNs?: number;
}

/** Losses and errors, since the start and in the newest window. */
export interface LiveError {
  readonly name: string;
  readonly count: number;
  readonly newest: number;
}

/** The state of the view. */
export interface LiveState {
  readonly facts: LiveFacts;
  readonly elapsedSeconds: number;
  /** The newest window; null before the first. */
  readonly newest: Window | null;
  /** Windows of the last {@linkcode ROLLING_SECONDS}. */
  readonly recent: readonly Window[];
  /** Received packets per second, the newest last. */
  readonly rates: readonly number[];
  readonly errors: readonly LiveError[];
  /** What was wrong or slow in the last {@linkcode ROLLING_SECONDS}, the worst first. */
  readonly findings: readonly Finding[];
  readonly cost: Cost | null;
  /** Packets over the threshold so far, including those that were not listed. */
  readonly slowCount: number;
  /** The last of them, the newest last. */
  readonly slow: readonly ListedPacket[];
  /** Messages during the run, the newest last. */
  readonly notes: readonly string[];
}

/** Percentiles cover the last 10 s: those of a single window would jump. */
export const ROLLING_SECONDS = 10;

/** The most rates, notes, kinds of errors and slow packets that are kept. */
const [RATES, NOTES, ERRORS, SLOW] = [120, 20, 200, 3];

/** The state before the first window. */
export function liveStart(facts: LiveFacts): LiveState {
  return {
    ...{ facts, elapsedSeconds: 0, newest: null, recent: [], rates: [] },
    ...{ errors: [], findings: [], cost: null, slowCount: 0, slow: [], notes: [] },
  };
}

/** The state after a window. */
export function withWindow(
  state: LiveState,
  window: Window,
  { elapsedSeconds, cost }: { readonly elapsedSeconds: number; readonly cost: Cost | null },
): LiveState {
  const recent = [...state.recent, window];
  while (recent.length > 1 && secondsFrom(recent[0]!, window) > ROLLING_SECONDS) recent.shift();
  const received = trafficOf(window.series, "packets", "received");
  const leftOut = sumOf(counters(window.series, "slow_packets_omitted", "packets"));
  return {
    ...state,
    elapsedSeconds,
    cost,
    slowCount: state.slowCount + leftOut,
    newest: window,
    recent,
    rates: [...state.rates, received / secondsOf(window)].slice(-RATES),
    errors: withErrors(state.errors, window),
    findings: findingsIn(state.facts, recent),
  };
}

/** The state after a slow packet. */
export function withSlow(state: LiveState, packet: ListedPacket): LiveState {
  return {
    ...state,
    slowCount: state.slowCount + 1,
    slow: [...state.slow, packet].slice(-SLOW),
  };
}

/** The state after a message. */
export function withNote(state: LiveState, line: string): LiveState {
  return { ...state, notes: [...state.notes, line.trim()].slice(-NOTES) };
}

/** The windows of the last {@linkcode ROLLING_SECONDS} as one; null before the first. */
export function rollingWindow({ recent }: LiveState): Window | null {
  return mergedWindows(recent, 1)[0] ?? null;
}

/** The findings of some windows. */
function findingsIn(
  { version, family, pid, profile, setup }: LiveFacts,
  windows: readonly Window[],
) {
  const [whole] = mergedWindows(windows, 1);
  if (whole === undefined) return [];
  const seconds = secondsOf(whole);
  return findings({
    schema: "kea-metrics/1",
    server: { version, family, pid, ...setup === undefined ? {} : { setup } },
    capture: {
      ...{ profile, started: whole.start, ended: whole.end, duration_seconds: seconds },
      ...{ watched_seconds: seconds, interval_seconds: null, verdict: "COMPLETE", reasons: [] },
      // That of all windows; it has a line of its own.
      ...{ not_available: [], cost: null },
    },
    windows: [...windows],
    totals: whole.series,
  });
}

function secondsFrom({ start }: Window, { end }: Window): number {
  return (Date.parse(end) - Date.parse(start)) / 1000;
}

function withErrors(errors: readonly LiveError[], window: Window): LiveError[] {
  const found = new Map(errors.map((error) => [error.name, { ...error, newest: 0 }]));
  for (const { labels, value } of counters(window.series, "error_rate", "events")) {
    const newest = Number(value);
    const name = errorName(labels);
    if (newest === 0 && !found.has(name)) continue;
    if (!found.has(name) && found.size >= ERRORS) continue;
    found.set(name, { name, count: (found.get(name)?.count ?? 0) + newest, newest });
  }
  return [...found.values()].toSorted((a, b) => b.count - a.count);
}
