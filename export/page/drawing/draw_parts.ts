/**
 * The parts of a server's page that are drawn with Vega.
 *
 * @module
 */

import type { MetricsDocument, Window } from "../../../metrics/document.ts";
import { Overview } from "../../../metrics/overview.ts";
import { escaped } from "../../../system/printable.ts";
import { chartsOf } from "../../../viz/charts/all.ts";
import type { Chart, Layout } from "../../../viz/charts/chart.ts";
import { accountOf, ledgerTable } from "../../../viz/report/account.ts";
import { findingsHtml } from "../../../viz/report/findings_html.ts";
import { inlineSvg } from "../../../viz/report/inline_svg.ts";
import { svgOf } from "../../../viz/report/svg.ts";
import { tableHtml } from "../../../viz/report/table_html.ts";
import { numbersWithoutChart } from "../../../viz/report/without_chart.ts";
import { completed, type DocumentHead } from "../../history/history_document.ts";
import { documentPath } from "../document_path.ts";
import type { DrawnPart, LayoutName } from "./messages.ts";

/** Two columns of a laptop's screen, or a phone. */
const LAYOUTS: Readonly<Record<LayoutName, Layout>> = {
  wide: { name: "wide", width: 590, ticks: 5 },
  narrow: { name: "narrow", width: 346, ticks: 3 },
};

/** What is lost and used; the times are in the other column. */
const LEFT: ReadonlySet<string> = new Set([
  "traffic",
  "latency-heat-map",
  "errors",
  "cpu",
  "memory",
]);

/** The last hour of a server, its windows ready to read. */
export interface LastHour {
  readonly head: DocumentHead;
  readonly windows: readonly Window[];
  readonly pending: number;
}

/** Draws the charts of the last hour of a server, and what has no chart. */
export async function drawParts(
  server: string,
  { head, windows, pending }: LastHour,
  layouts: readonly LayoutName[],
): Promise<DrawnPart[]> {
  const path = documentPath(server);
  const all = new Overview(1);
  for (const window of windows) all.add(window);
  const totals = all.windows()[0]?.series ?? [];
  const document: MetricsDocument = {
    ...completed(head, totals, pending),
    windows: [...windows],
    totals,
  };
  const parts: DrawnPart[] = [
    { id: "findings", column: "top", html: findingsHtml(document, "in the last hour") },
  ];
  for (const chart of chartsOf(document, "the last hour")) {
    parts.push({
      id: chart.id,
      column: LEFT.has(chart.id) ? "left" : "right",
      html: await figure(chart, layouts, path),
    });
  }
  return [...parts, ...tables(document, path)];
}

async function figure(
  { id, title, caption, table, spec }: Chart,
  layouts: readonly LayoutName[],
  path: string,
): Promise<string> {
  const drawings: string[] = [];
  for (const name of layouts) {
    const svg = slim(await svgOf(spec(LAYOUTS[name])));
    const words = `${title}. ${caption}`;
    drawings.push(
      `<div class="drawing ${name}">${inlineSvg(svg, `${id}-${name}`, words)}</div>`,
    );
  }
  return `<figure><figcaption><h2>${escaped(title)}</h2><p>${escaped(caption)}</p></figcaption>
${drawings.join("\n")}
<details><summary>Numbers<span class="unseen"> of ${escaped(title)}</span></summary>
${tableHtml(table, { document: path, name: `Numbers of ${title}` })}</details></figure>`;
}

/**
 * Leaves out the words of each mark: the drawing has words as a whole, and its table has the numbers. A heat map
 * of an hour has thousands of marks.
 */
function slim(svg: string): string {
  return svg.replaceAll(
    / (?:aria-[\w-]+|role|pointer-events)="[^"]*"| (?:opacity|stroke-width)="1"/g,
    "",
  );
}

function tables(document: MetricsDocument, path: string): DrawnPart[] {
  const { ledger } = document;
  const other = numbersWithoutChart(document);
  return [
    ...ledger === undefined ? [] : [{
      id: "ledger",
      column: "left" as const,
      html: `<section><h2>Where every packet went</h2><p>${accountOf(ledger)}</p>
${tableHtml(ledgerTable(ledger), { document: path, name: "Where every packet went" })}</section>`,
    }],
    ...other === null ? [] : [{
      id: "other",
      column: "right" as const,
      html: `<section><h2>Without a chart</h2><p>Totals of the last hour.</p>
${tableHtml(other, { document: path, name: "Metrics without a chart" })}</section>`,
    }],
  ];
}
