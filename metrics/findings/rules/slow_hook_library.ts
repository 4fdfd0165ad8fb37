/**
 * The callouts of a hook library take much of the packets' time.
 *
 * @module
 */

import type { HistogramSeries } from "../../document.ts";
import { shareEvidence, timesEvidence } from "../evidence.ts";
import { areOftenLong, type Facts, sumNs } from "../facts.ts";
import type { Rule } from "../finding.ts";
import { openWithout } from "../profiles.ts";
import { LEAST_SHARE } from "../thresholds.ts";
import { percent } from "../words.ts";

export const SLOW_HOOK_LIBRARY: Rule = {
  name: "slow_hook_library",
  lacks: (facts) =>
    facts.hasEnoughPackets && (facts.document.server.setup?.hook_libraries.length ?? 0) > 0
      ? openWithout(facts, "hook_callout_time", "deep", "how long the hook libraries take")
      : null,
  find: (facts) => {
    const slowest = slowestLibrary(facts);
    if (slowest === null || !facts.hasEnoughPackets) return null;
    const { library, ns, callouts } = slowest;
    const least = facts.shareOfPlace(ns);
    if (least < LEAST_SHARE || !areOftenLong([callouts[0]!])) return null;
    const { hook_point } = callouts[0]!.labels;
    return {
      severity: "slow",
      damage: least,
      sentence:
        `The hook library ${library} takes ${
          percent(facts.share(ns))
        } of the packets' time, most of ` +
        `it at ${hook_point}.`,
      evidence: [
        shareEvidence(
          facts,
          `callouts of ${library}, of the packets' time`,
          "hook_callout_time",
          { library },
          least,
        ),
        ...timesEvidence(`${library} at ${hook_point}`, callouts[0]!),
      ],
      remedy: [
        `Look at what ${library} does at ${hook_point}: a network request, a file, a long loop?`,
        "While it waits, its thread serves no one else: more threads help (multi-threading, thread-pool-size), or a " +
        "library that parks its packets",
        "To be sure, watch a while without that library, and compare: deno task compare",
      ],
    };
  },
};

/** A library's callouts, the one that takes most of the time first. */
interface LibraryTime {
  readonly library: string;
  readonly ns: number;
  readonly callouts: readonly HistogramSeries[];
}

/** The library that takes most time; null if none was timed. */
export function slowestLibrary(facts: Facts): LibraryTime | null {
  const byLibrary = Map.groupBy(
    facts.histograms("hook_callout_time"),
    ({ labels }) => labels["library"] ?? "unknown",
  );
  const [slowest] = [...byLibrary].map(([library, callouts]) => ({
    library,
    ns: sumNs(callouts),
    callouts: callouts.toSorted((a, b) => Number(b.sum) - Number(a.sum)),
  })).toSorted((a, b) => b.ns - a.ns);
  return slowest ?? null;
}
