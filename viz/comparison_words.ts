/**
 * The words and numbers of a comparison, for its text and its report.
 *
 * @module
 */

import type {
  Comparison,
  SeriesComparison,
  SideFacts,
  StatisticComparison,
} from "../metrics/comparison/comparison.ts";
import { LEAST_CHANGE } from "../metrics/comparison/statistic_tests.ts";
import { nanosecondsIn } from "../metrics/time_units.ts";
import { printable } from "../system/printable.ts";
import { duration, size, threeDigits, utc } from "./format.ts";
import { integer, nameOf, significant } from "./series.ts";

/** A change in percent: `+53 %`; as a factor from ten on; `from 0` if there was nothing before. */
export function changeText(change: number | null): string {
  return change === null
    ? "from 0"
    : change >= MOST_PERCENT
    ? factor(change)
    : `${signed(change)} %`;
}

/** The bounds of a change: `+48 to +59 %`; empty if they are not known. */
export function boundsText({ lower, upper }: StatisticComparison): string {
  if (lower === null || upper === null) return "";
  if (upper < MOST_PERCENT) return `${signed(lower)} to ${signed(upper)} %`;
  return `${lower < MOST_PERCENT ? `${signed(lower)} %` : factor(lower)} to ${factor(upper)}`;
}

/** From here on, a factor is easier to read than percent. */
const MOST_PERCENT = 9;

function factor(change: number): string {
  return change > 9999 ? ">x9999" : `x${Number((1 + change).toPrecision(3))}`;
}

function signed(change: number): string {
  const percent = 100 * change;
  const text = percent.toFixed(Math.abs(percent) < 9.95 ? 1 : 0);
  return /^-?0(\.0)?$/.test(text) ? "0" : percent > 0 ? `+${text}` : text;
}

/** The corrected probability of a change by chance alone. */
export function probabilityText({ p }: StatisticComparison): string {
  return p === null ? "" : p < 0.001 ? "<0.001" : p.toFixed(3);
}

/** A figure with its unit; empty if there is none. */
export function valueText(
  { statistic, per }: StatisticComparison,
  { unit, kind }: SeriesComparison,
  value: number | null,
): string {
  if (value === null) return "";
  if (statistic === "rate") {
    const amount = unit === "bytes"
      ? size(Math.round(value))
      : unit === "seconds"
      ? duration(value * 1e9)
      : significantly(value);
    return per === "packet" ? `${amount} per packet` : `${amount}/s`;
  }
  const scale = kind === "histogram" ? nanosecondsIn(unit) : null;
  return scale === null ? significantly(value) : duration(scale * value);
}

function significantly(value: number): string {
  if (value === 0) return "0";
  return Math.abs(value) < 0.1 ? String(Number(value.toPrecision(3))) : significant(value);
}

/** A series in the words of its labels: `DHCPDISCOVER -> DHCPOFFER`; a counter with its unit. */
export function seriesName(series: SeriesComparison): string {
  const name = nameOf(series).replace("\u2192", "->");
  return printable([name, series.kind === "counter" ? series.unit : ""].filter(Boolean).join(" "));
}

/** Whether something about a series changed. */
export function isChanged({ time, rate }: SeriesComparison): boolean {
  return rate === "more" || rate === "fewer" ||
    (time !== null && ["slower", "faster", "mixed"].includes(time));
}

/** The verdict of a series in one or two words. */
export function seriesVerdict({ time, rate }: SeriesComparison): string {
  const words = [time, rate].filter((word) => word !== null && word !== "same");
  const known = words.filter((word) => word !== "not enough data");
  if (known.length > 0) return known.join(", ");
  // What is known of times is the point of a series that has them.
  return time ?? rate;
}

/** The verdict of a figure in the words of its series. */
export function statisticVerdict({ statistic, verdict }: StatisticComparison): string {
  const isRate = statistic === "rate";
  switch (verdict) {
    case "up":
      return isRate ? "more" : "slower";
    case "down":
      return isRate ? "fewer" : "faster";
    default:
      return verdict;
  }
}

/** A side in one line: what was watched, when, and how much. */
export function sideText(side: Omit<SideFacts, "file" | "windows" | "reasons">): string {
  const { family, version, host, from, to, seconds, profile, packets_per_second, verdict } = side;
  return printable(
    [
      `Kea ${version ?? "?"}${family === null ? "" : ` DHCPv${family}`} on ${host ?? "?"}`,
      ...from === null ? [] : [`${utc(from)}${to === null ? "" : ` to ${to.slice(11, 19)}`}`],
      ...seconds === null ? [] : [`${threeDigits(seconds)} s`],
      ...packets_per_second === null ? [] : [`${significant(packets_per_second)} packets/s`],
      ...profile === null ? [] : [`profile ${profile}`],
      verdict,
    ].join(", "),
  );
}

/** When a change counts, for people. */
export function methodText({ method }: Comparison): string {
  const percent = (ratio: number) => `${Number((100 * ratio).toFixed(1))} %`;
  return "A change counts if its bounds are beyond " +
    `${percent(LEAST_CHANGE.p50)} (quantiles) or ${
      percent(LEAST_CHANGE.mean)
    } (means, counts), and if it is seen in ` +
    `every fifth of the run. Bounds and p are corrected for ${
      integer(method.comparisons)
    } comparisons (Holm): ` +
    `chance alone gives one false change in at most ${
      percent(method.level)
    } of all comparisons like this.`;
}
