/**
 * Leases are not written to the lease file.
 *
 * @module
 */

import { exactEvidence } from "../evidence.ts";
import type { Rule } from "../finding.ts";
import { counted } from "../words.ts";

const KINDS = ["lease_file_write_failed", "lease_file_cleanup_failed"] as const;

export const LEASE_FILE_FAILS: Rule = {
  name: "lease_file_fails",
  find: (facts) => {
    const [writes, cleanups] = KINDS.map((kind) => facts.errors(kind)) as [number, number];
    // A single lease that is not kept is one too many.
    if (writes + cleanups === 0) return null;
    return {
      severity: "lost",
      damage: writes > 0 ? Math.min(1, writes / Math.max(1, facts.received)) : 0,
      sentence: writes > 0
        ? `${
          counted(writes, "lease")
        } could not be written to the lease file: after a restart, Kea does not ` +
          "know them and gives the same addresses to others."
        : `${counted(cleanups, "cleanup")} of the lease file failed: the file grows.`,
      evidence: KINDS.flatMap((kind, index) => {
        const count = [writes, cleanups][index]!;
        return count === 0 ? [] : [exactEvidence(kind, "error_rate", { kind }, "events", count)];
      }),
      remedy: [
        "Make room on the disk of the lease file, or make it writable again",
        "Then restart Kea, so that it opens the file anew",
      ],
    };
  },
};
