/**
 * Packets take longer while the lease file is cleaned up (LFC).
 *
 * @module
 */

import type { Window } from "../../document.ts";
import { histogramsOf } from "../../totals.ts";
import { exactEvidence, timesEvidence } from "../evidence.ts";
import { countOf, type Facts, meanNs, sumNs } from "../facts.ts";
import type { Rule } from "../finding.ts";
import { LEAST_PACKETS } from "../thresholds.ts";

const LABELS = { backend: "memfile", statement: "lease_file_cleanup" } as const;

/** Packets take so many times as long. */
const LEAST_FACTOR = 2;

export const CLEANUP: Rule = {
  name: "cleanup",
  find: (facts) => {
    const [cleanups] = facts.histograms("database_query_time", LABELS);
    if (cleanups === undefined) return null;
    const { during, between } = split(facts);
    const enough = [during, between].every(({ count }) => count >= LEAST_PACKETS);
    if (!enough || during.meanNs < LEAST_FACTOR * between.meanNs) return null;
    const factor = during.meanNs / between.meanNs;
    const mean = (what: string, ns: number) =>
      exactEvidence(what, "packet_processing_time", {}, "ns", ns);
    return {
      severity: "slow",
      // What its packets took longer, of the time of all packets.
      damage: facts.share(during.count * (during.meanNs - between.meanNs)),
      sentence: `While the lease file is cleaned up (LFC), packets take ${
        factor.toPrecision(2)
      } times as long.`,
      evidence: [
        mean(`mean of ${during.count} packets during a cleanup`, during.meanNs),
        mean(`mean of ${between.count} other packets`, between.meanNs),
        ...timesEvidence(`${cleanups.count} cleanups`, cleanups).slice(0, 1),
      ],
      remedy: [
        "Clean up when little happens, or less often: lease-database, lfc-interval (seconds; 0 for never, then the " +
        "file grows)",
        "kea-lfc runs with Kea's own priority, CPUs and control group: give them room for both",
      ],
    };
  },
};

interface Packets {
  readonly count: number;
  readonly meanNs: number;
}

/** The packets of windows in which a cleanup ran, and of the others. */
function split({ document: { windows } }: Facts): { during: Packets; between: Packets } {
  const spans = windows.flatMap((window) => {
    const [cleanup] = histogramsOf({ totals: window.series }, "database_query_time", LABELS);
    if (cleanup === undefined) return [];
    // It is counted when it ends; where in the window is not known.
    const ended = Date.parse(window.end);
    return [{ from: Date.parse(window.start) - sumNs([cleanup]) / 1e6, to: ended }];
  });
  const isDuring = ({ start, end }: Window) =>
    spans.some(({ from, to }) => Date.parse(start) < to && Date.parse(end) > from);
  const packetsOf = (some: readonly Window[]): Packets => {
    const series = some.flatMap((window) =>
      histogramsOf({ totals: window.series }, "packet_processing_time")
    );
    return { count: countOf(series), meanNs: meanNs(series) };
  };
  return {
    during: packetsOf(windows.filter(isDuring)),
    between: packetsOf(windows.filter((window) => !isDuring(window))),
  };
}
