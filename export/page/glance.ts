/**
 * What is seen of a server at a glance: its state and a few numbers.
 *
 * @module
 */

import type { Window } from "../../metrics/document.ts";
import { mergedWindows } from "../../metrics/overview.ts";
import { escaped } from "../../system/printable.ts";
import { duration, size } from "../../viz/format.ts";
import { integer, significant } from "../../viz/series.ts";
import type { LastMinutes } from "../history/history_document.ts";
import type { ServerHistory } from "../history/server_history.ts";
import { costOf, type StoredWindow, textOf } from "../history/stored_windows.ts";
import { numbersOf, type WindowNumbers } from "../history/window_numbers.ts";
import { sparkline } from "./sparkline.ts";

/** What a line covers: the last hour, or less after the start of the watch, milliseconds. */
const [MOST_LINE_MS, LEAST_LINE_MS] = [3_600_000, 300_000];

/** Percentiles are those of so many milliseconds. */
const RECENT_MS = 60_000;

/** Text with its meaning for people. */
export interface Badge {
  readonly text: string;
  readonly kind: "good" | "poor" | "bad";
}

/** Whether a server is watched, and whether all of it was seen in the time of a document. */
export function badgeOf({ state }: ServerHistory, { head }: LastMinutes): Badge {
  switch (state) {
    case "starting":
      return { text: "STARTING", kind: "poor" };
    case "unwatched":
      return { text: "NOT WATCHED", kind: "bad" };
    case "gone":
      return { text: "GONE", kind: "bad" };
    case "watched": {
      const { verdict } = head.capture;
      return { text: verdict, kind: verdict === "COMPLETE" ? "good" : "poor" };
    }
  }
}

/** A badge as HTML. */
export function badgeHtml({ text, kind }: Badge): string {
  return `<span class="badge ${kind}">${text}</span>`;
}

/** A number with its name. */
export interface Tile {
  readonly name: string;
  readonly value: string;
  /** What it is of. */
  readonly note?: string;
  /** HTML of a drawing. */
  readonly line?: string;
  readonly isBad?: boolean;
  /** Whether its note is long. */
  readonly isWide?: boolean;
}

/** A tile as HTML: a pair of a list of terms. */
export function tileHtml({ name, value, note, line, isBad, isWide }: Tile): string {
  return `<div class="tile${isBad === true ? " bad" : ""}${
    isWide === true ? " long" : ""
  }"><dt>${name}</dt>` +
    `<dd><b>${escaped(value)}</b>${note === undefined ? "" : `<small>${escaped(note)}</small>`}` +
    `${line ?? ""}</dd></div>`;
}

/** The numbers that say whether a server is well. */
export function tilesOf(
  { windows }: Pick<LastMinutes, "windows">,
  isThere: boolean,
  now = Date.now(),
): Tile[] {
  const sums = summed(windows);
  const newest = isThere ? windows.at(-1) : undefined;
  const rate = (name: "received" | "answered") =>
    newest === undefined ? "\u2013" : significant(newest.numbers[name] / newest.numbers.seconds);
  const spark = (of: (numbers: WindowNumbers) => number | null, colour: "blue" | "red") =>
    sparkline(
      windows.map(({ end, numbers }) => [end, of(numbers)]),
      now,
      spanOf(windows, now),
      colour,
    );
  const recent = isThere ? numbersSince(windows, now - RECENT_MS) : null;
  const time = (of: "p50" | "p99") => recent?.[of] == null ? "\u2013" : duration(recent[of]);
  return [
    {
      name: "Received",
      value: `${rate("received")}/s`,
      note: `${integer(sums.received)} in 1 h`,
      line: spark(({ received, seconds }) => received / seconds, "blue"),
    },
    {
      name: "Answered",
      value: `${rate("answered")}/s`,
      note: `${integer(sums.answered)} in 1 h`,
      line: spark(({ answered, seconds }) => answered / seconds, "blue"),
    },
    {
      name: "p50 of processing",
      value: time("p50"),
      note: "last minute",
      line: spark(({ p50 }) => p50, "blue"),
    },
    {
      name: "p99 of processing",
      value: time("p99"),
      note: "last minute",
      line: spark(({ p99 }) => p99, "red"),
    },
    {
      name: "Unanswered",
      value: integer(sums.unanswered),
      note: "in 1 h",
      isBad: sums.unanswered > 0,
      ...sums.unanswered > 0 ? { line: spark(({ unanswered }) => unanswered, "red") } : {},
    },
    {
      name: "Kernel drops",
      value: integer(sums.dropped),
      note: "in 1 h",
      isBad: sums.dropped > 0,
      ...sums.dropped > 0 ? { line: spark(({ dropped }) => dropped, "red") } : {},
    },
  ];
}

function spanOf(windows: readonly StoredWindow[], now: number): number {
  const age = now - (windows[0]?.start ?? now);
  return Math.min(MOST_LINE_MS, Math.max(LEAST_LINE_MS, age));
}

/** The numbers of all windows that end after a time, as one; null if there is none. */
function numbersSince(windows: readonly StoredWindow[], time: number): WindowNumbers | null {
  const parsed = windows.filter(({ end }) => end > time)
    .map((window) => JSON.parse(textOf(window)) as Window);
  const [whole] = mergedWindows(parsed, 1);
  return whole === undefined ? null : numbersOf(whole);
}

/** CPU and memory of the server, and the overhead of watching it. */
export function machineTiles(
  { windows }: Pick<LastMinutes, "windows">,
  isThere: boolean,
  now = Date.now(),
): Tile[] {
  const newest = isThere ? windows.at(-1)?.numbers : undefined;
  const spark = (of: (numbers: WindowNumbers) => number | null) =>
    sparkline(
      windows.map(({ end, numbers }) => [end, of(numbers)]),
      now,
      spanOf(windows, now),
      "blue",
    );
  return [
    {
      name: "CPU of Kea",
      value: newest?.cpu == null ? "\u2013" : `${significant(100 * newest.cpu)} %`,
      note: "of one core",
      line: spark(({ cpu }) => cpu),
    },
    {
      name: "Memory of Kea",
      value: newest?.memory == null ? "\u2013" : size(newest.memory),
      note: "resident",
      line: spark(({ memory }) => memory),
    },
    overhead(windows),
  ];
}

function overhead(windows: readonly StoredWindow[]): Tile {
  const cost = costOf(windows.map((window) => window.cost));
  const received = summed(windows).received;
  const share = (seconds: number) =>
    cost.seconds === 0 ? "\u2013" : `${significant(100 * seconds / cost.seconds)} %`;
  const each = received === 0 || cost.hits === 0
    ? ""
    : `, ${significant(1e6 * cost.bpfSeconds / received)} us per packet`;
  return {
    name: "Monitoring overhead",
    isWide: true,
    value: cost.hits === 0 ? "\u2013" : share(cost.bpfSeconds),
    note: cost.seconds === 0
      ? "not known yet"
      : `of one core in BPF${each}; exporter and bpftrace ${share(cost.monitorCpuSeconds)}, ` +
        size(cost.monitorMemoryBytes),
  };
}

function summed(windows: readonly StoredWindow[]) {
  const sums = { received: 0, answered: 0, unanswered: 0, dropped: 0 };
  for (const { numbers } of windows) {
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += numbers[name];
  }
  return sums;
}

/** A moment for people, with its date if it is not today's; UTC. */
export function momentOf(time: number, now = Date.now()): string {
  const [text, today] = [new Date(time), new Date(now)].map((date) => date.toISOString());
  const clock = `${text!.slice(11, 19)} UTC`;
  return text!.slice(0, 10) === today!.slice(0, 10) ? clock : `${text!.slice(0, 10)} ${clock}`;
}
