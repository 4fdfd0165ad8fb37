/**
 * Writes the report of a comparison, one self-contained page, and its charts.
 *
 * @module
 */

import { join } from "node:path";
import type { Comparison, SeriesComparison } from "../../metrics/comparison/comparison.ts";
import { keyOf } from "../../metrics/comparison/observed.ts";
import type { Side } from "../../metrics/comparison/side.ts";
import type { HistogramSeries } from "../../metrics/document.ts";
import { replaceFile } from "../../system/replace_file.ts";
import { escaped } from "../../system/printable.ts";
import { changes } from "../charts/changes.ts";
import { type Chart, LAYOUTS } from "../charts/chart.ts";
import { twoDistributions } from "../charts/two_distributions.ts";
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
} from "../comparison_words.ts";
import { type DrawnChart, figure, list, pageHead } from "./page_parts.ts";
import { MOST_ROWS, tableHtml } from "./table_html.ts";
import { onWhite } from "./write_report.ts";
import { svgOf } from "./svg.ts";

/** The most pairs of distributions that are drawn. */
const MOST_DISTRIBUTIONS = 8;

/** The two sides of a comparison. */
export interface Sides {
  readonly before: Side;
  readonly after: Side;
}

/**
 * Draws a comparison: what changed, and both distributions of each time that changed. If no time changed, those of the
 * packets.
 *
 * @returns the paths of the files, the report first.
 * @throws {WriteError} when a file cannot be written.
 */
export async function writeComparison(
  comparison: Comparison,
  sides: Sides,
  folder: string,
): Promise<string[]> {
  const drawn: DrawnChart[] = [];
  const paths = [join(folder, "comparison.html")];
  for (const chart of chartsOf(comparison, sides)) {
    const svgs = new Map<string, string>();
    for (const layout of LAYOUTS) svgs.set(layout.name, await svgOf(chart.spec(layout)));
    drawn.push({ chart, svgs });
    const alone = {
      ...chart.spec(LAYOUTS[0]!),
      title: { text: chart.title, limit: LAYOUTS[0]!.width },
    };
    const path = join(folder, `${chart.id}.svg`);
    await replaceFile(path, onWhite(await svgOf(alone)));
    paths.push(path);
  }
  await replaceFile(paths[0]!, pageOf(comparison, drawn));
  return paths;
}

/** The charts of a comparison, the greatest change first. */
export function chartsOf(comparison: Comparison, { before, after }: Sides): Chart[] {
  const find = (side: Side, series: SeriesComparison) => {
    const key = keyOf(series);
    return side.totals.find((each): each is HistogramSeries =>
      each.kind === "histogram" && each.count > 0 && keyOf(each) === key
    );
  };
  const times = comparison.series.filter(({ time, unit }) => time !== null && unit === "ns");
  const changed = times.filter(({ time }) => time !== "same" && time !== "not enough data");
  const chosen = changed.length > 0
    ? changed
    : times.filter(({ metric }) => metric === "packet_processing_time");
  const distributions = chosen.slice(0, MOST_DISTRIBUTIONS).flatMap((series, index) => {
    const [one, other] = [find(before, series), find(after, series)];
    if (one === undefined || other === undefined) return [];
    return [twoDistributions({
      id: `distribution-${index + 1}`,
      title: `${series.metric} ${seriesName(series)}`,
      caption: captionOf(series),
      before: one,
      after: other,
    })];
  });
  return [changes(comparison), ...distributions].filter((chart) => chart !== null);
}

function captionOf(series: SeriesComparison): string {
  return [`Verdict: ${seriesVerdict(series)}`, ...changesOf(series)].join(". ") + ".";
}

/** The changes of a series in words: "p50 269 us to 353 us, +31 % (+16 to +48 %)". */
function changesOf(series: SeriesComparison): string[] {
  return series.statistics.filter(({ verdict }) => verdict === "up" || verdict === "down")
    .map((statistic) =>
      `${statistic.statistic} ${valueText(statistic, series, statistic.before)} to ` +
      `${valueText(statistic, series, statistic.after)}, ${changeText(statistic.change)} ` +
      `(${boundsText(statistic)})`
    );
}

function pageOf(comparison: Comparison, charts: readonly DrawnChart[]): string {
  const { verdict, why, before, after, differences, notes, series, not_compared } = comparison;
  const isGood = verdict === "same" || verdict === "faster";
  const rows = series.flatMap((each) =>
    each.statistics.map((statistic) => [
      `${each.metric} ${seriesName(each)}`,
      statistic.statistic,
      valueText(statistic, each, statistic.before),
      valueText(statistic, each, statistic.after),
      statistic.before === null || statistic.after === null ? "" : changeText(statistic.change),
      boundsText(statistic),
      probabilityText(statistic),
      statisticVerdict(statistic),
    ])
  );
  const changed = series.filter(isChanged).map((each) =>
    `${each.metric} ${seriesName(each)}: ${seriesVerdict(each)}, ${changesOf(each).join("; ")}`
  );
  return `${pageHead(`Comparison \u2013 ${verdict}`)}
<body>
<header>
<p class="verdict ${isGood ? "complete" : "partial"}">${escaped(verdict)}</p>
<h1>Comparison of two runs</h1>
<dl>${
    [["Before", before] as const, ["After", after] as const].map(([term, side]) =>
      `<div><dt>${term}</dt><dd>${escaped(sideText(side))}<br>${escaped(side.file)}</dd></div>`
    ).join("")
  }</dl>
<ul class="headlines">${
    [why, ...changed.slice(0, 5)].map((line) => `<li>${escaped(line)}</li>`).join("")
  }</ul>
${
    list(
      "What else differed",
      differences.map(({ what, before, after }) => `${what}: ${before} \u2192 ${after}`),
    )
  }
${list("Note", notes)}
</header>
<main>
${charts.length === 0 ? "<p>There is nothing to draw.</p>" : ""}
${charts.map(figure).join("\n")}
<section id="all"><h2>All figures</h2>
<p>The greatest change first.${
    rows.length > MOST_ROWS ? ` The first ${MOST_ROWS} of ${rows.length}; --json has all.` : ""
  }</p>
${
    tableHtml({
      columns: ["series", "figure", "before", "after", "change", "bounds", "p", "verdict"],
      rows: rows.slice(0, MOST_ROWS),
    })
  }</section>
${
    not_compared.length === 0 ? "" : `<section id="not-available"><h2>Not compared, and why</h2>
${
      tableHtml({
        columns: ["series", "why"],
        rows: not_compared.map(({ metric, labels, why }) => [
          [metric, ...Object.values(labels)].join(" "),
          why,
        ]),
      })
    }</section>`
  }
</main>
<footer>
<p>${
    escaped(methodText(comparison))
  } Times are counted in buckets, eight per power of two; means and counts are
exact.</p>
</footer>
</body>
</html>
`;
}
