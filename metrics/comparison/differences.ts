/**
 * What else differed between two sides: a comparison shows that something changed, not why.
 *
 * @module
 */

import type { Series } from "../document.ts";
import type { Comparison } from "./comparison.ts";
import { isReceivedPackets } from "./observed.ts";
import type { Side } from "./side.ts";

/** Rates closer than this are the same load. */
const LOAD_RATIO = 1.1;

/** The facts, and how each is read from a side; null if it is not known. */
const FACTS: readonly (readonly [what: string, of: (side: Side) => string | null])[] = [
  ["family", ({ server }) => server.family === undefined ? null : `DHCPv${server.family}`],
  ["version", ({ server }) => server.version ?? null],
  ["host", ({ server }) => server.host ?? null],
  ["program", ({ server }) => server.executable ?? null],
  ["profile", ({ capture }) => capture.profile],
  ["bpftrace", ({ capture }) => capture.bpftrace ?? null],
  [
    "interval",
    ({ capture: { interval_seconds: seconds } }) => seconds === null ? null : `${seconds} s`,
  ],
  ["threads", ({ server, totals }) => {
    const seen = new Set(namesIn(totals, "cpu_usage", "thread"));
    seen.delete("all");
    const count = server.setup?.threads ?? seen.size;
    return count === 0 ? null : String(count);
  }],
  ["CPUs", ({ server }) => server.setup?.cpus?.toString() ?? null],
  ["sockets", ({ totals }) => listed(namesIn(totals, "network_traffic", "socket"))],
  ["databases", ({ totals }) => listed(namesIn(totals, "database_query_time", "backend"))],
  ["hook libraries", ({ server, totals }) => {
    const known = server.setup?.hook_libraries;
    const seen = namesIn(totals, "hook_callout_time", "library");
    if (known === undefined) return listed(seen);
    return known.length === 0 ? "none" : listed(known);
  }],
  ["loggers with severity DEBUG", ({ server }) => {
    const loggers = server.setup?.debug_loggers;
    return loggers === undefined ? null : listed(loggers) ?? "none";
  }],
  ["verdict of the capture", ({ capture }) => capture.verdict],
];

/** The differences, and what limits the comparison. */
export function differencesOf(
  before: Side,
  after: Side,
): Pick<Comparison, "differences" | "notes"> {
  const differences = FACTS.flatMap(([what, of]) => {
    const [one, other] = [of(before), of(after)];
    return one === null || other === null || one === other
      ? []
      : [{ what, before: one, after: other }];
  });
  const [load, later] = [packetsPerSecond(before), packetsPerSecond(after)];
  if (load !== null && later !== null && !isSameLoad(load, later)) {
    const perSecond = (rate: number) => `${Number(rate.toPrecision(3))} packets/s`;
    differences.push({ what: "load", before: perSecond(load), after: perSecond(later) });
  }
  return {
    differences: [...differences, ...hostDifferences(before, after)],
    notes: [...familyNote(before, after), ...notesOf("BEFORE", before), ...notesOf("AFTER", after)],
  };
}

/** Whether a series is about the host, not about the server. */
export function isOfHost({ metric }: Pick<Series, "metric">): boolean {
  return metric === "host_pressure" || metric === "host_steal_time";
}

/** Shares of the time that are closer than this are alike. */
const SHARE_DIFFERENCE = 0.05;

/** How much of the time something on the host waited for a resource, or the hypervisor took it. */
function hostDifferences(before: Side, after: Side): Comparison["differences"] {
  const [one, other] = [before, after].map((side) =>
    new Map(
      side.totals.filter(isOfHost).map((series) => {
        const name = [series.metric.replaceAll("_", " "), ...Object.values(series.labels)].join(
          " ",
        );
        const share = series.kind === "counter" && side.seconds !== null && side.seconds > 0
          ? Number(series.value) / side.seconds
          : 0;
        return [name, share];
      }),
    )
  ) as [Map<string, number>, Map<string, number>];
  const percent = (share: number) => `${(100 * share).toFixed(0)} % of the time`;
  // Captures of before have none of these.
  if (one.size === 0 || other.size === 0) return [];
  return [...new Set([...one.keys(), ...other.keys()])].flatMap((what) => {
    const [share, later] = [one.get(what) ?? 0, other.get(what) ?? 0];
    return Math.abs(later - share) < SHARE_DIFFERENCE
      ? []
      : [{ what, before: percent(share), after: percent(later) }];
  });
}

/** Received packets per second; null if they were not watched. */
export function packetsPerSecond({ totals, seconds }: Side): number | null {
  const counters = totals.filter(isReceivedPackets);
  if (counters.length === 0 || seconds === null || seconds === 0) return null;
  return counters.reduce((sum, { value }) => sum + Number(value), 0) / seconds;
}

function isSameLoad(one: number, other: number): boolean {
  return Math.max(one, other) <= LOAD_RATIO * Math.min(one, other);
}

function familyNote({ server: one }: Side, { server: other }: Side): string[] {
  if (one.family === other.family) return [];
  const [word, later] = [one, other].map(({ family }) =>
    family === undefined ? "of an unknown family" : `DHCPv${family}`
  );
  return [
    `BEFORE is ${word}, AFTER is ${later}: their messages differ, so none of their series ` +
    "can be compared",
  ];
}

/** A run of fewer windows has fewer than four blocks. */
const LEAST_WINDOWS = 8;

function notesOf(word: string, { capture, windows, totals }: Side): string[] {
  const reasons = capture.verdict === "PARTIAL" ? `: ${capture.reasons.join("; ")}` : "";
  return [
    ...capture.verdict === "PARTIAL" ? [`${word} is PARTIAL${reasons}`] : [],
    ...totals.length === 0
      ? [`${word} has no data: nothing was watched`]
      : windows.length < LEAST_WINDOWS
      ? [
        `${word} has ${windows.length} window${
          windows.length === 1 ? "" : "s"
        }: bounds need at least ` +
        `${LEAST_WINDOWS}, watch longer or with a shorter --interval`,
      ]
      : [],
  ];
}

/** The values of a label, sorted. */
function namesIn(series: Side["totals"], metric: string, label: string): string[] {
  const found = series.filter((each) => each.metric === metric)
    .flatMap(({ labels }) => labels[label] ?? []);
  return [...new Set(found)].sort();
}

function listed(names: readonly string[]): string | null {
  return names.length === 0 ? null : names.join(", ");
}
