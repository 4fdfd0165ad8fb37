/**
 * The parts that every page of ours is made of: its head, charts and lists.
 *
 * @module
 */

import type { Chart } from "../charts/chart.ts";
import { escaped } from "../../system/printable.ts";
import { inlineSvg } from "./inline_svg.ts";
import { CSS } from "./report_style.ts";
import { tableHtml } from "./table_html.ts";

/** A chart with its drawings by layout. */
export interface DrawnChart {
  readonly chart: Chart;
  readonly svgs: ReadonlyMap<string, string>;
}

/** The beginning of a self-contained page: no network, no script, no other file. */
export function pageHead(title: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${CSS}</style>
</head>`;
}

/** A list under a heading; nothing without items. */
export function list(title: string, items: readonly string[]): string {
  if (items.length === 0) return "";
  return `<section class="reasons"><h2>${title}</h2><ul>${
    items.map((item) => `<li>${escaped(item)}</li>`).join("")
  }</ul></section>`;
}

/** A chart with its caption, and its numbers behind a fold. */
export function figure({ chart, svgs }: DrawnChart): string {
  const { id, title, caption, table } = chart;
  const drawings = [...svgs].map(([layout, svg]) =>
    `<div class="drawing ${layout}">${
      inlineSvg(svg, `${id}-${layout}`, `${title}. ${caption}`)
    }</div>`
  );
  return `<figure id="${id}">
<figcaption><h2>${escaped(title)}</h2><p>${escaped(caption)}</p></figcaption>
${drawings.join("\n")}
<details><summary>Numbers<span class="unseen"> of ${escaped(title)}</span></summary>
${tableHtml(table)}</details>
</figure>`;
}
