/**
 * The row of the stages of a packet.
 *
 * @module
 */

import { mean, quantile } from "../expressions.ts";
import { legend, lines, UNITS } from "../panels.ts";
import type { Row } from "../row.ts";

const STAGE = "packet_stage_seconds";

/** Where the time of a packet goes. */
export const STAGES: Row = {
  title: "Stages",
  panels: [
    lines(
      {
        title: "Mean time by stage",
        description:
          "The stages of a message add up to its mean processing time. The profile standard has before, " +
          "allocate and after; deep has seven.",
        unit: UNITS.seconds,
        width: 12,
      },
      [{
        expression: mean(STAGE, ["message", "packet_stage"]),
        legend: legend("message", "packet_stage"),
      }],
      { stacked: true },
    ),
    lines(
      {
        title: "p99 by stage",
        description: "The stage that rises with the processing time is the one to look into.",
        unit: UNITS.seconds,
        width: 12,
      },
      [{
        expression: quantile(0.99, STAGE, ["message", "packet_stage"]),
        legend: legend("message", "packet_stage"),
      }],
      { logarithmic: true },
    ),
  ],
};
