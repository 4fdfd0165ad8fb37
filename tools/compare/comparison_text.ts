/**
 * A comparison as text for a terminal. Pure: comparison in, text out.
 *
 * @module
 */

import type {
  Comparison,
  SeriesComparison,
  StatisticComparison,
} from "../../metrics/comparison/comparison.ts";
import {
  boundsText,
  changeText,
  isChanged,
  methodText,
  probabilityText,
  seriesName,
  seriesVerdict,
  sideText,
  statisticVerdict,
  valueText,
} from "../../viz/comparison_words.ts";
import { columns, size, wrapped } from "../../viz/format.ts";
import { significant } from "../../viz/series.ts";
import { TextLines } from "../../viz/text_lines.ts";

/** The most lines of series that did not change; `--json` has all of them. */
const MOST_UNCHANGED = 40;

const COLOURS = {
  slower: "red",
  faster: "green",
  mixed: "yellow",
  same: "green",
  "cannot say": "yellow",
} as const;

/** Renders a comparison, the greatest change first. */
export function comparisonText(comparison: Comparison, colour: boolean): string {
  const lines = new TextLines(colour);
  const { before, after, differences, notes, series, not_compared } = comparison;
  lines.add(`BEFORE  ${sideText(before)}`);
  lines.add(`        ${before.file}`);
  lines.add(`AFTER   ${sideText(after)}`);
  lines.add(`        ${after.file}`);
  lines.section(
    "What else differed",
    differences.map(({ what, before, after }) => `${what}: ${before} -> ${after}`).flatMap(wrapped),
  );
  lines.section("Note", notes.flatMap(wrapped));
  for (const metric of new Set(series.filter(isChanged).map(({ metric }) => metric))) {
    const changed = series.filter((each) => each.metric === metric && isChanged(each));
    lines.section(`Changed: ${metric}`, table([...HEAD, "p", ""], changed.flatMap(statisticRows)));
  }
  const unchanged = series.filter((each) => !isChanged(each) && !isNothing(each));
  const shown = unchanged.slice(0, MOST_UNCHANGED);
  lines.section("No change found", [
    ...table([...HEAD, ""], shown.map(seriesRow)),
    ...unchanged.length > shown.length
      ? [`${unchanged.length - shown.length} more are in --json`]
      : [],
  ]);
  lines.section("Readings, not tested", columns(readingRows(comparison)));
  lines.section(
    "Not compared",
    [...new Set(not_compared.map(({ metric, why }) => `${metric}: ${why}`))].flatMap(wrapped),
  );
  lines.add("");
  for (const line of wrapped(methodText(comparison))) lines.add(line);
  lines.add("");
  lines.add(`Verdict: ${comparison.verdict}. ${comparison.why}`, COLOURS[comparison.verdict]);
  return lines.toString();
}

const HEAD = ["", "", "before", "after", "change", "bounds"];

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : columns([head, ...rows]);
}

function statisticRows(series: SeriesComparison): string[][] {
  return series.statistics.map((statistic, index) => [
    index === 0 ? seriesName(series) : "",
    ...cellsOf(series, statistic),
    probabilityText(statistic),
    statisticVerdict(statistic),
  ]);
}

/** A series in one line: its median, or the figure that is known best. */
function seriesRow(series: SeriesComparison): string[] {
  const figures = series.statistics.toSorted((a, b) => Number(isMedian(b)) - Number(isMedian(a)))
    .filter(({ statistic }) => series.time === null || statistic !== "rate");
  const best = figures.find(({ verdict }) => verdict === "same") ?? figures[0]!;
  return [
    `${series.metric} ${seriesName(series)}`,
    ...cellsOf(series, best),
    seriesVerdict(series),
  ];
}

const isMedian = ({ statistic }: StatisticComparison) => statistic === "p50";

function cellsOf(series: SeriesComparison, statistic: StatisticComparison): string[] {
  const { before, after, change } = statistic;
  const isKnown = before !== null && after !== null;
  return [
    statistic.statistic,
    valueText(statistic, series, before),
    valueText(statistic, series, after),
    isKnown ? changeText(change) : "",
    boundsText(statistic),
  ];
}

function isNothing({ kind, count }: SeriesComparison): boolean {
  return kind === "counter" && count.before === 0 && count.after === 0;
}

function readingRows({ readings }: Comparison): string[][] {
  return readings.filter(({ before, after }) => before !== 0 || after !== 0)
    .map(({ metric, labels, unit, before, after }) => {
      const text = (value: number) => unit === "bytes" ? size(value) : significant(value);
      const name = [metric, ...Object.values(labels)].join(" ");
      return [name, `${text(before)} -> ${text(after)}`];
    });
}
