/**
 * From two estimates to a change with its bounds, and from changes to verdicts.
 *
 * @module
 */

import type { StatisticComparison } from "./comparison.ts";
import type { Estimate } from "./estimates.ts";
import { type Corrected, holm } from "./holm.ts";
import { criticalT, tailProbability } from "./student_t.ts";

/** The chance of even one false change in a whole comparison. */
export const LEVEL = 0.01;

/**
 * The least change that counts: the bounds must be beyond it. A quantile is known to half a bucket, 6.3 %. Means and
 * counts are exact, but no two runs are alike: two of the same load differ by a few percent.
 */
export const LEAST_CHANGE: Readonly<Record<StatisticComparison["statistic"], number>> = {
  mean: 0.05,
  p50: 0.063,
  p99: 0.063,
  rate: 0.05,
};

/** Bounds this close to no change mean "same"; wider ones, "not enough data". */
export const SAME_WITHIN = 0.25;

/** A comparison of one figure, before the correction. */
export interface RawTest
  extends Pick<StatisticComparison, "statistic" | "before" | "after" | "change"> {
  readonly per?: "second" | "packet";
  /** Whether the change is seen throughout: every part of one side is beyond every part of the other. */
  readonly isThroughout: boolean;
  /** Null if there is not enough data. */
  readonly test: {
    readonly p: number;
    /** Bounds of the change at a level; null if there was nothing before. */
    readonly boundsAt: (level: number) => { readonly lower: number; readonly upper: number } | null;
  } | null;
}

/** Compares two figures of times: by their ratio. */
export function ratioTest(
  statistic: "mean" | "p50" | "p99",
  before: Estimate | null,
  after: Estimate | null,
): RawTest {
  const values = {
    statistic,
    before: before?.value ?? null,
    after: after?.value ?? null,
    isThroughout: areApart(before, after),
    change: before === null || after === null || before.value === 0
      ? null
      : after.value / before.value - 1,
  };
  if (before?.error == null || after?.error == null || values.change === null) {
    return { ...values, test: null };
  }
  const difference = Math.log(after.value / before.value);
  const { error, degrees } = joined(before.error, before.degrees, after.error, after.degrees);
  return {
    ...values,
    test: {
      p: probability(difference, error, degrees),
      boundsAt: (level) => {
        const reach = error === 0 ? 0 : criticalT(level, degrees) * error;
        return { lower: Math.exp(difference - reach) - 1, upper: Math.exp(difference + reach) - 1 };
      },
    },
  };
}

/** Compares two rates: by their difference, because either may be zero. */
export function rateTest(
  per: "second" | "packet",
  before: Estimate | null,
  after: Estimate | null,
): RawTest {
  const values = {
    statistic: "rate" as const,
    per,
    before: before?.value ?? null,
    after: after?.value ?? null,
    isThroughout: areApart(before, after),
    change: before === null || after === null
      ? null
      : before.value === 0
      ? after.value === 0 ? 0 : null
      : after.value / before.value - 1,
  };
  if (before?.error == null || after?.error == null) return { ...values, test: null };
  // Nothing on either side is no comparison that would have to be corrected for.
  if (before.value === 0 && after.value === 0) return { ...values, test: null };
  const difference = after.value - before.value;
  const { error, degrees } = joined(before.error, before.degrees, after.error, after.degrees);
  return {
    ...values,
    test: {
      p: probability(difference, error, degrees),
      boundsAt: (level) => {
        if (before.value === 0) return null;
        const reach = error === 0 ? 0 : criticalT(level, degrees) * error;
        return {
          // Nothing happens less often than never.
          lower: Math.max(-1, (difference - reach) / before.value),
          upper: (difference + reach) / before.value,
        };
      },
    },
  };
}

/** Of a rate per second and per packet, the one that changed less: what the load explains is no change. */
export function smallerChange(perSecond: RawTest, perPacket: RawTest): RawTest {
  const signs = [perSecond, perPacket].map(({ before, after }) =>
    Math.sign((after ?? 0) - (before ?? 0))
  );
  const [one, other] = perSecond.test?.p === undefined || perPacket.test?.p === undefined
    ? [perPacket, perSecond]
    : perPacket.test.p >= perSecond.test.p
    ? [perPacket, perSecond]
    : [perSecond, perPacket];
  if (signs[0] === signs[1] || one.test === null || other.test === null) return one;
  // One went up and the other down: only the load changed.
  return { ...one, test: { ...one.test, p: 1 } };
}

function areApart(before: Estimate | null, after: Estimate | null): boolean {
  const [one, other] = [before?.parts ?? [], after?.parts ?? []];
  if (one.length === 0 || other.length === 0) return false;
  return Math.max(...one) < Math.min(...other) || Math.max(...other) < Math.min(...one);
}

/** Welch's standard error of a difference, and its degrees of freedom. */
function joined(error1: number, degrees1: number, error2: number, degrees2: number) {
  const [a, b] = [error1 ** 2, error2 ** 2];
  const below = a ** 2 / degrees1 + b ** 2 / degrees2;
  return {
    error: Math.sqrt(a + b),
    degrees: below === 0 ? degrees1 + degrees2 : (a + b) ** 2 / below,
  };
}

function probability(difference: number, error: number, degrees: number): number {
  if (difference === 0) return 1;
  return error === 0 ? 0 : tailProbability(difference / error, degrees);
}

/** Corrects all tests of a comparison for their number, and gives each its verdict. */
export function judged(tests: readonly RawTest[]): StatisticComparison[] {
  const possible = tests.filter(({ test }) => test !== null);
  const corrected = new Map<RawTest, Corrected>();
  holm(possible.map(({ test }) => test!.p), LEVEL).forEach((each, index) =>
    corrected.set(possible[index]!, each)
  );
  return tests.map((raw) => {
    const { test, isThroughout: _, ...values } = raw;
    const { p, level } = corrected.get(raw) ?? { p: null, level: null };
    const bounds = test === null || level === null ? null : test.boundsAt(level);
    const { lower, upper } = bounds ?? { lower: null, upper: null };
    return { ...values, lower, upper, p, verdict: verdictOf(raw, p, bounds) };
  });
}

function verdictOf(
  { statistic, before, after, change, isThroughout }: RawTest,
  p: number | null,
  bounds: { readonly lower: number; readonly upper: number } | null,
): StatisticComparison["verdict"] {
  if (before === 0 && after === 0) return "same";
  if (p === null) return "not enough data";
  const least = LEAST_CHANGE[statistic];
  // From nothing, any number of events is large.
  const isLarge = change === null || bounds !== null && (
        bounds.lower > least || bounds.upper < 1 / (1 + least) - 1
      );
  if (p <= LEVEL && isLarge && isThroughout) return after! > before! ? "up" : "down";
  if (bounds === null) return "not enough data";
  return bounds.lower >= -SAME_WITHIN && bounds.upper <= SAME_WITHIN ? "same" : "not enough data";
}
