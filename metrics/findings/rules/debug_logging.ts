/**
 * Kea logs with severity DEBUG.
 *
 * @module
 */

import { exactEvidence } from "../evidence.ts";
import type { Rule } from "../finding.ts";

export const DEBUG_LOGGING: Rule = {
  name: "debug_logging",
  find: ({ document: { server } }) => {
    const loggers = server.setup?.debug_loggers ?? [];
    if (loggers.length === 0) return null;
    return {
      severity: "risk",
      damage: 1,
      sentence: `Kea logs with severity DEBUG (${
        loggers.join(", ")
      }): each packet writes many lines.`,
      evidence: [
        exactEvidence(
          "loggers with severity DEBUG",
          "server.setup.debug_loggers",
          {},
          "loggers",
          loggers.length,
        ),
      ],
      remedy: [
        'Set "severity": "INFO" in loggers, and load the configuration again (config-reload): deno task bench:overhead ' +
        "measures how much that saves",
      ],
    };
  },
};
