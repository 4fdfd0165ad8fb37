/**
 * Packets take long, and no other rule says why.
 *
 * @module
 */

import { shareEvidence, timesEvidence } from "../evidence.ts";
import { isSlow } from "../facts.ts";
import type { Rule } from "../finding.ts";
import { percent } from "../words.ts";

export const SLOW_PACKETS: Rule = {
  name: "slow_packets",
  isLastResort: true,
  find: (facts) => {
    const packets = facts.histograms("packet_processing_time");
    if (!facts.hasEnoughPackets || !isSlow(packets)) return null;
    const [slowest] = packets.toSorted((a, b) => Number(b.sum) - Number(a.sum));
    const [stage] = [
      ...new Set(facts.histograms("packet_stage_time").map(({ labels }) => labels["stage"]!)),
    ].map((name) => ({ name, ns: facts.ns("packet_stage_time", { stage: name }) }))
      .toSorted((a, b) => b.ns - a.ns);
    const running = { cause: "running" };
    const isMeasured = facts.has("packet_wait_time");
    const runs = facts.share(facts.ns("packet_wait_time", running));
    return {
      severity: "slow",
      damage: 0,
      sentence: "Packets take long to be answered, and this run does not show why" +
        (stage === undefined ? "." : `; most of the time passes in stage ${stage.name}.`),
      evidence: [
        ...timesEvidence(
          `${slowest!.labels["message"]} -> ${slowest!.labels["answer"]}`,
          slowest!,
        ),
        ...stage === undefined ? [] : [
          shareEvidence(facts, `stage ${stage.name}, of the packets' time`, "packet_stage_time", {
            stage: stage.name,
          }),
        ],
        ...isMeasured
          ? [shareEvidence(facts, "running on a CPU, of it", "packet_wait_time", running)]
          : [],
      ],
      remedy: [
        ...isMeasured && runs > 0.5
          ? [
            `Kea computes for ${
              percent(runs)
            } of it: client classes with long expressions, very many subnets, logging`,
          ]
          : [],
        ...facts.document.capture.profile === "deep"
          ? ["See the stages and the waits in the report: deno task viz"]
          : ["Watch with --profile deep: it shows what packets wait for, and every stage"],
      ],
    };
  },
};
