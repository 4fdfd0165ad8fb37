/**
 * The row of hook libraries.
 *
 * @module
 */

import { frequency, quantile, rate } from "../expressions.ts";
import { legend, lines, UNITS } from "../panels.ts";
import type { Row } from "../row.ts";

const CALLOUT = ["hook_point", "library", "callout"] as const;

/** What hook libraries do. */
export const HOOKS: Row = {
  title: "Hook libraries",
  isClosed: true,
  panels: [
    lines(
      {
        title: "Callouts, p99",
        description: "Time of a callout. It is a part of the stage that its hook point belongs to.",
        unit: UNITS.seconds,
        width: 12,
      },
      [{
        expression: quantile(0.99, "hook_callout_seconds", CALLOUT),
        legend: legend(...CALLOUT),
      }],
      { logarithmic: true },
    ),
    lines(
      {
        title: "Callouts",
        description: "Callouts per second.",
        unit: UNITS.operations,
        width: 6,
      },
      [{ expression: frequency("hook_callout_seconds", CALLOUT), legend: legend(...CALLOUT) }],
    ),
    lines(
      {
        title: "Next steps",
        description:
          "What callouts made the server do next: drop and park explain missing answers.",
        unit: UNITS.operations,
        width: 6,
      },
      [{
        expression: rate("hook_next_steps_total", [...CALLOUT, "next_step"]),
        legend: legend(...CALLOUT, "next_step"),
      }],
    ),
  ],
};
