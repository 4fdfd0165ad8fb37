/**
 * Writes to the lease file are slow.
 *
 * @module
 */

import { shareEvidence, timesEvidence } from "../evidence.ts";
import { areOftenLong } from "../facts.ts";
import type { Rule } from "../finding.ts";
import { LEAST_SHARE } from "../thresholds.ts";
import { percent } from "../words.ts";

const LABELS = { backend: "memfile", statement: "lease_file_write" } as const;

export const SLOW_LEASE_FILE: Rule = {
  name: "slow_lease_file",
  lacks: (facts) =>
    facts.hasEnoughPackets && facts.document.capture.profile === "light"
      ? { question: "how long the lease database takes", answer: "watch with --profile standard" }
      : null,
  find: (facts) => {
    const [writes] = facts.histograms("database_query_time", LABELS);
    if (writes === undefined || !facts.hasEnoughPackets) return null;
    const least = facts.shareOfPlace(Number(writes.sum));
    if (least < LEAST_SHARE || !areOftenLong([writes])) return null;
    const disk = { cause: "disk" } as const;
    return {
      severity: "slow",
      damage: least,
      sentence:
        `Writing the lease file takes ${
          percent(facts.share(Number(writes.sum)))
        } of the packets' ` +
        "time: its disk is slow.",
      evidence: [
        shareEvidence(
          facts,
          "writes to the lease file, of the packets' time",
          "database_query_time",
          LABELS,
          least,
        ),
        ...timesEvidence("a write", writes),
        ...facts.has("packet_wait_time", disk)
          ? [
            shareEvidence(
              facts,
              "waiting for a disk, of the packets' time",
              "packet_wait_time",
              disk,
            ),
          ]
          : [],
      ],
      remedy: [
        "Put the lease file on a local disk with room, not on a network file system: lease-database, name",
        "See who else writes to that disk (iostat, iotop): backups, logs",
      ],
    };
  },
};
