/**
 * Packets wait until a thread is free.
 *
 * @module
 */

import { exactEvidence } from "../evidence.ts";
import { areOftenLong, type Facts, meanNs, sumNs } from "../facts.ts";
import type { Evidence, Rule } from "../finding.ts";
import { openWithout } from "../profiles.ts";
import { cpuShareWhile, OWN_LOAD, waitOf } from "../waits.ts";
import { LEAST_SHARE } from "../thresholds.ts";
import { percent } from "../words.ts";

/** So many of the threads are busy, while packets wait for one. */
const LEAST_BUSY = 0.7;

/** The stage and the metric in which packets wait before a thread begins with them. */
const PLACES = [
  { metric: "packet_stage_time", labels: { stage: "queue" }, what: "in Kea's packet queue" },
  { metric: "packet_socket_wait", labels: {}, what: "in the socket" },
] as const;

export const TOO_FEW_THREADS: Rule = {
  name: "too_few_threads",
  lacks: (facts) =>
    facts.hasEnoughPackets
      ? openWithout(facts, "packet_stage_time", "deep", "whether packets wait for a free thread", {
        stage: "queue",
      })
      : null,
  find: (facts) => {
    if (!facts.hasEnoughPackets) return null;
    // A thread that must wait for a CPU cannot begin either.
    if (waitOf(facts, "run_queue", "") !== null) return null;
    const [worst] = PLACES.map((place) => waitIn(facts, place)).filter((wait) => wait !== null)
      .toSorted((a, b) => b.share - a.share);
    if (worst === undefined) return null;
    const threads = facts.document.server.setup?.worker_threads;
    const inService = facts.meanWhile(
      worst.metric,
      worst.labels,
      ({ serviceNs, seconds }) => serviceNs / 1e9 / seconds,
    );
    // Else they were free, and only took their time to wake up.
    if (inService < LEAST_BUSY * Math.max(1, threads ?? 1)) return null;
    const own = cpuShareWhile(facts, worst.metric, worst.labels);
    return {
      severity: "slow",
      damage: worst.share,
      // A packet that takes its thread for long makes others wait.
      isConsequence: true,
      sentence: `Packets wait ${worst.what} for ${
        percent(worst.share)
      } of their time until a thread is free.`,
      evidence: [
        ...worst.evidence,
        exactEvidence(
          "packets that threads worked on meanwhile, on average",
          "packet_processing_time",
          {},
          "packets",
          inService,
        ),
        ...threads === undefined
          ? []
          : [exactEvidence("threads that serve packets", "server.setup", {}, "threads", threads)],
      ],
      remedy: [
        ...own !== null && own >= OWN_LOAD
          ? ["Kea's CPUs are busy: it needs more of them, or less to do (logging, hook libraries)"]
          : [
            "Give Kea more threads: multi-threading, enable-multi-threading and thread-pool-size",
          ],
        "See in the report what takes the packets' time: faster packets need fewer threads",
      ],
    };
  },
};

type Place = typeof PLACES[number];

interface WaitForThread extends Pick<Place, "metric" | "labels" | "what"> {
  readonly share: number;
  readonly evidence: readonly Evidence[];
}

function waitIn(
  facts: Facts,
  { metric, labels, what }: Place,
): WaitForThread | null {
  const series = facts.histograms(metric, labels);
  const ns = sumNs(series);
  const share = ns / (ns + facts.serviceNs);
  if (share < LEAST_SHARE || !areOftenLong(series)) return null;
  return {
    metric,
    labels,
    share,
    what,
    evidence: [
      exactEvidence(`waiting ${what}, of their time with it`, metric, labels, "ratio", share),
      exactEvidence(`a wait ${what}: mean`, metric, labels, "ns", meanNs(series)),
    ],
  };
}
