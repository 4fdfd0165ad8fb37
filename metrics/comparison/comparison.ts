/**
 * The result of a comparison of two runs. Schema `kea-comparison/1`.
 *
 * @module
 */

import { z } from "zod";

const amount = z.number().nullable();

const statistic = z.object({
  statistic: z.enum(["mean", "p50", "p99", "rate"]),
  per: z.enum(["second", "packet"]).optional()
    .describe("What a rate is of: of the two, the one that changed less"),
  before: amount.describe("In the unit of the series; null without events"),
  after: amount,
  change: amount.describe("Relative: 0.1 is 10 % more; null if there was nothing before"),
  lower: amount.describe("Bounds of the change; null if there is not enough data"),
  upper: amount,
  p: amount.describe("Probability of such a change by chance alone, corrected by Holm's method"),
  verdict: z.enum(["up", "down", "same", "not enough data"])
    .describe("up, down: proven, large enough, and seen in every fifth of the run"),
});

const series = z.object({
  metric: z.string(),
  family: z.union([z.literal(4), z.literal(6)]).nullable(),
  labels: z.record(z.string(), z.string()),
  unit: z.string(),
  kind: z.enum(["histogram", "counter"]),
  count: z.object({ before: z.number(), after: z.number() }),
  per_second: z.object({ before: amount, after: amount }),
  time: z.enum(["slower", "faster", "mixed", "same", "not enough data"]).nullable()
    .describe("null for a counter"),
  rate: z.enum(["more", "fewer", "same", "not enough data"]),
  statistics: z.array(statistic),
});

const side = z.object({
  file: z.string().describe("As it was given, with its span"),
  family: z.union([z.literal(4), z.literal(6)]).nullable(),
  version: z.string().nullable(),
  host: z.string().nullable(),
  profile: z.string().nullable(),
  from: z.iso.datetime().nullable(),
  to: z.iso.datetime().nullable(),
  seconds: amount,
  windows: z.int(),
  packets_per_second: amount,
  verdict: z.enum(["COMPLETE", "PARTIAL"]),
  reasons: z.array(z.string()),
});

const comparison = z.object({
  schema: z.literal("kea-comparison/1"),
  verdict: z.enum(["slower", "faster", "mixed", "same", "cannot say"]).describe("Of all times"),
  why: z.string().describe("The verdict in one sentence"),
  before: side,
  after: side,
  differences: z.array(z.object({ what: z.string(), before: z.string(), after: z.string() }))
    .describe("What else differed between the two"),
  notes: z.array(z.string()).describe("What limits the comparison"),
  series: z.array(series).describe("The greatest change first"),
  readings: z.array(z.object({
    metric: z.string(),
    labels: z.record(z.string(), z.string()),
    unit: z.string(),
    before: z.number(),
    after: z.number(),
  })).describe("Means of gauges: each depends on the one before, so they have no bounds"),
  not_compared: z.array(z.object({
    metric: z.string(),
    labels: z.record(z.string(), z.string()),
    why: z.string(),
  })),
  method: z.object({
    level: z.number().describe("The chance of any false change in the whole comparison"),
    comparisons: z.int(),
    draws: z.int(),
    block_windows: z.object({ before: z.array(z.int()), after: z.array(z.int()) })
      .describe("Windows in a short and in a long block: the larger error of the two counts"),
  }),
});

/** A comparison. */
export type Comparison = z.infer<typeof comparison>;
/** One compared series. */
export type SeriesComparison = z.infer<typeof series>;
/** One compared figure of a series. */
export type StatisticComparison = z.infer<typeof statistic>;
/** What is known about one side. */
export type SideFacts = z.infer<typeof side>;

/** The JSON Schema of comparisons, as in `comparison.schema.json`. */
export function comparisonSchema(): unknown {
  return { title: "Comparison of two Kea runs, kea-comparison/1", ...z.toJSONSchema(comparison) };
}

/** Checks a parsed comparison; throws a `ZodError` at the first violation. */
export function parseComparison(json: unknown): Comparison {
  return comparison.parse(json);
}
