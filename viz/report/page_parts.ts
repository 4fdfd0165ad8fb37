/**
 * The parts that every page of ours is made of: its head, charts, tables and lists.
 *
 * @module
 */

import type { Chart, Table } from "../charts/chart.ts";
import { escaped } from "../../system/printable.ts";
import { COLOURS, INK } from "../charts/theme.ts";
import { CSS } from "./report_style.ts";

/** A chart with its drawings by layout. */
export interface DrawnChart {
  readonly chart: Chart;
  readonly svgs: ReadonlyMap<string, string>;
}

/** The most rows of a table; the document has all of them. */
export const MOST_ROWS = 250;

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
    `<div class="drawing ${layout}">${inline(svg, `${id}-${layout}`, `${title}. ${caption}`)}</div>`
  );
  return `<figure id="${id}">
<figcaption><h2>${escaped(title)}</h2><p>${escaped(caption)}</p></figcaption>
${drawings.join("\n")}
<details><summary>Numbers<span class="unseen"> of ${escaped(title)}</span></summary>
${tableHtml(table)}</details>
</figure>`;
}

/** An SVG as a part of the page: unique ids, the page's colours. */
function inline(svg: string, id: string, words: string): string {
  let text = svg.replace(/^[^]*?<svg /, "<svg ")
    .replaceAll(/\bid="([^"]+)"/g, `id="${id}-$1"`)
    .replaceAll(/url\(#([^)]+)\)/g, `url(#${id}-$1)`)
    .replace("<svg ", `<svg role="img" aria-label="${escaped(words)}" `);
  for (const [name, colour] of Object.entries({ ...COLOURS, ...INK })) {
    text = text.replaceAll(`"${colour}"`, `"var(--${name})"`);
  }
  return text;
}

/** A table: columns of numbers are aligned right, columns of words left. */
export function tableHtml({ columns, rows }: Table): string {
  const shown = rows.length > MOST_ROWS ? rows.slice(-MOST_ROWS) : rows;
  const cut = shown.length < rows.length
    ? `<p>The last ${MOST_ROWS} of ${rows.length} rows; metrics.json has them all.</p>`
    : "";
  const sides = columns.map((_, index) =>
    shown.every((row) => NUMBER.test(row[index] ?? "")) ? "" : ' class="words"'
  );
  const cells = (row: readonly string[]) =>
    row.map((cell, index) =>
      index === 0
        ? `<th scope="row"${sides[index]}>${escaped(cell)}</th>`
        : `<td${sides[index] ?? ""}>${escaped(cell)}</td>`
    ).join("");
  return `${cut}<div class="table"><table><thead><tr>${
    columns.map((column, index) => `<th scope="col"${sides[index]}>${escaped(column)}</th>`)
      .join("")
  }</tr></thead><tbody>${
    shown.map((row) => `<tr>${cells(row)}</tr>`).join("\n")
  }</tbody></table></div>`;
}

/** A number with its unit, a range of numbers, a time of day, or a missing number. */
const NUMBER =
  /^(|not known|[<+-]?\d[\d.,:]*( [%\w]+)?((\u2013|,| to) ?[+-]?\d[\d.,]*( [%\w]+)?)*)$/;
