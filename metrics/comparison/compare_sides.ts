/**
 * Compares two sides, series by series.
 *
 * @module
 */

import type { Series } from "../document.ts";
import { DRAWS } from "./block_bootstrap.ts";
import type { Comparison, SeriesComparison, SideFacts, StatisticComparison } from "./comparison.ts";
import { differencesOf, isOfHost, packetsPerSecond } from "./differences.ts";
import { rateEstimate, TIME_STATISTICS, timeEstimate } from "./estimates.ts";
import { isReceivedPackets, keyOf, Observations } from "./observed.ts";
import type { Side } from "./side.ts";
import {
  judged,
  LEVEL,
  rateTest,
  ratioTest,
  type RawTest,
  smallerChange,
} from "./statistic_tests.ts";
import { verdictOf } from "./verdict.ts";

/** Seeds of the draws; which ones is of no importance, but they stay the same. */
const [SEED_BEFORE, SEED_AFTER] = [1, 2];

/** Compares two sides. The same sides always give the same result. */
export function compareSides(before: Side, after: Side): Comparison {
  const sides = {
    before: new Observations(before, SEED_BEFORE),
    after: new Observations(after, SEED_AFTER),
  };
  const { names, notCompared } = matched(before, after);
  const tested = names.map((name) => ({ name, ...testsOf(name, sides) }));
  const statistics = judged(tested.flatMap(({ tests }) => tests));
  let at = 0;
  const series = tested.map(({ name, tests, totals }) => {
    const own = statistics.slice(at, at += tests.length);
    return seriesOf(name, own, totals, { before, after });
  }).sort(byChange);
  const comparisons = statistics.filter(({ p }) => p !== null).length;
  const { differences, notes } = differencesOf(before, after);
  return {
    schema: "kea-comparison/1",
    ...verdictOf(series),
    before: factsOf(before),
    after: factsOf(after),
    differences,
    notes,
    series,
    readings: readingsOf(before, after),
    not_compared: notCompared,
    method: {
      level: LEVEL,
      comparisons,
      draws: DRAWS,
      block_windows: {
        before: sides.before.bootstraps.map(({ blockLength }) => blockLength),
        after: sides.after.bootstraps.map(({ blockLength }) => blockLength),
      },
    },
  };
}

type Named = Exclude<Series, { kind: "gauge" }>;

/**
 * Whether a series is compared. A thread's CPU time is part of that of all threads, whose names and number may differ.
 * The host's own figures are what else differed.
 */
function isCompared(series: Series): series is Named {
  return series.kind !== "gauge" && (series.labels["thread"] ?? "all") === "all" &&
    !isOfHost(series);
}

/** The series of both; and those that only one has, if the other did not look. */
function matched(before: Side, after: Side): {
  readonly names: readonly Named[];
  readonly notCompared: Comparison["not_compared"];
} {
  // All of these would differ; a note says why.
  if (before.server.family !== after.server.family) return { names: [], notCompared: [] };
  const names = new Map<string, Named>();
  const notCompared: Comparison["not_compared"] = [];
  const sides = [{ side: before, other: after, word: "AFTER" }, {
    side: after,
    other: before,
    word: "BEFORE",
  }];
  for (const { side, other, word } of sides) {
    const whys = notWatched(other, side);
    const here = new Set(other.totals.map(keyOf));
    for (const series of side.totals.filter(isCompared)) {
      const key = keyOf(series);
      if (names.has(key)) continue;
      const why = here.has(key) ? null : whyNot(series, other, whys);
      if (why === null) names.set(key, series);
      else {
        const { metric, labels } = series;
        notCompared.push({ metric, labels, why: `${word} does not have it: ${why}` });
      }
    }
  }
  return { names: [...names.values()], notCompared };
}

/** Why a side has no such series; null if it watched, and there was no such event. */
function whyNot(
  { metric, labels, unit }: Named,
  other: Side,
  whys: ReadonlyMap<string, string>,
): string | null {
  const alike = other.totals.filter((each) => each.metric === metric && each.unit === unit);
  // A socket, a stage or a database is not an event: another one is another thing.
  for (const label of ["socket", "stage", "backend"]) {
    const value = labels[label];
    const isElsewhere = alike.length > 0 && value !== undefined &&
      !alike.some((each) => each.labels[label] === value);
    if (isElsewhere) return `${label} ${value} does not occur in it`;
  }
  const why = whys.get(metric);
  if (why !== undefined) return why;
  if (alike.length === 0) return "no such event was seen, or it was not watched";
  return null;
}

/**
 * The metrics that a side could not watch, with the reasons. A reason that the other side has as well hides nothing: both
 * watched the same parts of that metric.
 */
function notWatched({ capture }: Side, other: Side): ReadonlyMap<string, string> {
  const shared = new Set(other.capture.not_available.map(({ metric, why }) => `${metric} ${why}`));
  return new Map(
    capture.not_available.filter(({ metric, why }) =>
      why !== "No such event came in this run" && !shared.has(`${metric} ${why}`)
    ).map(({ metric, why }) => [metric, why]),
  );
}

/** The least step of a counter, by unit: CPU time is counted in clock ticks, and bytes come in whole packets. */
const STEP: Readonly<Record<string, number>> = { seconds: 0.01, bytes: 100 };

function testsOf(
  name: Named,
  sides: { readonly before: Observations; readonly after: Observations },
): {
  readonly tests: readonly RawTest[];
  readonly totals: { readonly before: number; readonly after: number };
} {
  const [before, after] = [sides.before.of(name), sides.after.of(name)];
  const rate = (per: "second" | "packet") => {
    const exposure = per === "second" ? "seconds" : "packets";
    const step = name.kind === "histogram" ? 1 : STEP[name.unit] ?? 1;
    return rateTest(
      per,
      rateEstimate(sides.before, before, sides.before[exposure], step),
      rateEstimate(sides.after, after, sides.after[exposure], step),
    );
  };
  const hasPackets = [sides.before, sides.after].every(({ packets }) =>
    packets.some((count) => count > 0)
  );
  const times = name.kind === "histogram"
    ? TIME_STATISTICS.map((statistic) =>
      ratioTest(
        statistic,
        timeEstimate(sides.before, before, statistic),
        timeEstimate(sides.after, after, statistic),
      )
    )
    : [];
  return {
    tests: [
      ...times,
      hasPackets && !isReceivedPackets(name)
        ? smallerChange(rate("second"), rate("packet"))
        : rate("second"),
    ],
    totals: { before: before.total, after: after.total },
  };
}

function seriesOf(
  { metric, family, labels, unit, kind }: Named,
  statistics: StatisticComparison[],
  count: { readonly before: number; readonly after: number },
  sides: { readonly before: Side; readonly after: Side },
): SeriesComparison {
  const perSecond = (side: "before" | "after") => {
    const { seconds } = sides[side];
    return seconds === null || seconds === 0 ? null : count[side] / seconds;
  };
  return {
    metric,
    family,
    labels,
    unit,
    kind,
    count: { ...count },
    per_second: { before: perSecond("before"), after: perSecond("after") },
    time: kind === "histogram" ? timeVerdict(statistics) : null,
    rate: RATE_VERDICTS[statistics.at(-1)!.verdict],
    statistics,
  };
}

const RATE_VERDICTS = {
  "up": "more",
  "down": "fewer",
  "same": "same",
  "not enough data": "not enough data",
} as const;

function timeVerdict(statistics: readonly StatisticComparison[]): SeriesComparison["time"] {
  const times = statistics.filter(({ statistic }) => statistic !== "rate");
  const has = (verdict: StatisticComparison["verdict"]) =>
    times.some((each) => each.verdict === verdict);
  if (has("up")) return has("down") ? "mixed" : "slower";
  if (has("down")) return "faster";
  return has("same") ? "same" : "not enough data";
}

/** The greatest proven change first; then in the order of the document. */
function byChange(a: SeriesComparison, b: SeriesComparison): number {
  return weightOf(b) - weightOf(a);
}

function weightOf({ statistics, time }: SeriesComparison): number {
  const changed = statistics.filter(({ verdict }) => verdict === "up" || verdict === "down");
  // Times before counts: they are what clients notice.
  const isTime = time !== null && !["same", "not enough data"].includes(time);
  const largest = Math.max(
    0,
    ...changed.filter(({ statistic }) => !isTime || statistic !== "rate").map(sizeOf),
  );
  return (isTime ? 1e6 : 0) + Math.min(largest, 1e5);
}

function sizeOf({ change }: StatisticComparison): number {
  return change === null ? 1e5 : Math.abs(Math.log(Math.max(1e-9, 1 + change)));
}

function readingsOf(before: Side, after: Side): Comparison["readings"] {
  const gauges = (side: Side) =>
    side.totals.filter((series) =>
      series.kind === "gauge" &&
      (series.metric === "memory_usage" || series.metric === "pending_requests")
    );
  const there = new Map(gauges(after).map((series) => [keyOf(series), series]));
  return gauges(before).flatMap((series) => {
    const other = there.get(keyOf(series));
    if (series.kind !== "gauge" || other?.kind !== "gauge") return [];
    const { metric, labels, unit } = series;
    return [{ metric, labels, unit, before: series.mean, after: other.mean }];
  });
}

function factsOf(side: Side): SideFacts {
  const { name, server, capture, windows, from, to, seconds } = side;
  return {
    file: name,
    family: server.family ?? null,
    version: server.version ?? null,
    host: server.host ?? null,
    profile: capture.profile,
    from,
    to,
    seconds,
    windows: windows.length,
    packets_per_second: packetsPerSecond(side),
    verdict: capture.verdict,
    reasons: capture.reasons,
  };
}
