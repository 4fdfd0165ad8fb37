/**
 * Conditions of `--fail-on`: `p99>10%`, `packet_processing_time{message=DHCPREQUEST} mean>20%`, `slower`.
 *
 * @module
 */

import { InvalidArgumentError } from "@commander-js/extra-typings";
import type {
  Comparison,
  SeriesComparison,
  StatisticComparison,
} from "../../metrics/comparison/comparison.ts";
import { seriesName, statisticVerdict } from "../../viz/comparison_words.ts";

const WORDS = ["slower", "faster", "more", "fewer"] as const;

/** A condition, as parsed. */
export interface Condition {
  readonly text: string;
  /** Null for all series. */
  readonly metric: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly isAsked: (statistic: StatisticComparison) => boolean;
  /** Whether a proven change is one of those. */
  readonly holds: (statistic: StatisticComparison) => boolean;
}

/** What a condition found. */
export interface Outcome {
  readonly text: string;
  readonly result: "holds" | "does not hold" | "not checked";
  /** Where it holds, or why it was not checked. */
  readonly why: string;
}

const NAME = String.raw`[A-Za-z_@][\w@:]*`;
const CONDITION = new RegExp(
  String
    .raw`^\s*(?:(${NAME})?(?:\{([^}]*)\})?\s+)?(mean|p50|p99|rate)\s*([<>])\s*([+-]?\d+(?:\.\d+)?)\s*%\s*$`,
);
const WORD = new RegExp(
  String.raw`^\s*(?:(${NAME})?(?:\{([^}]*)\})?\s+)?(${WORDS.join("|")})\s*$`,
);

/**
 * Parses a condition.
 *
 * @throws {InvalidArgumentError} with the grammar in one line.
 */
export function parseCondition(text: string): Condition {
  const word = WORD.exec(text);
  if (word !== null) {
    const [, metric, labels, verdict] = word;
    const isRate = verdict === "more" || verdict === "fewer";
    return {
      ...selectorOf(text, metric, labels),
      isAsked: ({ statistic }) => (statistic === "rate") === isRate,
      holds: (statistic) => statisticVerdict(statistic) === verdict,
    };
  }
  const [, metric, labels, name, sign, number] = CONDITION.exec(text) ?? [];
  const limit = Number(number) / 100;
  if (name === undefined || (sign === ">" ? limit < 0 : limit >= 0)) throw refused(text);
  return {
    ...selectorOf(text, metric, labels),
    isAsked: ({ statistic }) => statistic === name,
    holds: ({ verdict, change }) =>
      sign === ">"
        ? verdict === "up" && (change ?? Infinity) > limit
        : verdict === "down" && change !== null && change < limit,
  };
}

function selectorOf(
  text: string,
  metric: string | undefined,
  labels: string | undefined,
): Pick<Condition, "text" | "metric" | "labels"> {
  const pairs = (labels ?? "").split(",").filter((pair) => pair.trim() !== "").map((pair) => {
    const at = pair.indexOf("=");
    if (at < 1) throw refused(text);
    const value = pair.slice(at + 1).trim().replace(/^"(.*)"$/, "$1");
    return [pair.slice(0, at).trim(), value] as const;
  });
  return { text: text.trim(), metric: metric ?? null, labels: Object.fromEntries(pairs) };
}

function refused(text: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `Expected [METRIC][{LABEL=VALUE,...}] and mean, p50, p99 or rate with >N% or <-N%, or one of ` +
      `${
        WORDS.join(", ")
      }, such as "p99>10%" or "packet_processing_time mean>5%"; found "${text}".`,
  );
}

/** Checks a condition. A change that was not proven does not hold it. */
export function check(condition: Condition, { series }: Comparison): Outcome {
  const { text, metric, labels } = condition;
  const selected = series.filter((each) =>
    (metric === null || each.metric === metric) &&
    Object.entries(labels).every(([name, value]) => each.labels[name] === value)
  );
  const asked = selected.flatMap((each) =>
    each.statistics.filter(condition.isAsked).map((statistic) => ({ series: each, statistic }))
  );
  const known = asked.filter(({ statistic }) => statistic.verdict !== "not enough data");
  if (known.length === 0) {
    const why = selected.length === 0
      ? "both files have no such series in common"
      : asked.length === 0
      ? "these series are counters, they have no times"
      : "there is not enough data, watch longer";
    return { text, result: "not checked", why };
  }
  const found = known.filter(({ statistic }) => condition.holds(statistic));
  if (found.length === 0) return { text, result: "does not hold", why: "" };
  const why = found.map(({ series, statistic }) => placeOf(series, statistic)).join("; ");
  return { text, result: "holds", why };
}

function placeOf(series: SeriesComparison, { statistic, change }: StatisticComparison): string {
  const amount = change === null
    ? "from 0"
    : `${change > 0 ? "+" : ""}${(100 * change).toFixed(1)} %`;
  return `${series.metric} ${seriesName(series)} ${statistic} ${amount}`;
}
