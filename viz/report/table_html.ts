/**
 * A table as HTML.
 *
 * @module
 */

import { escaped } from "../../system/printable.ts";
import type { Table } from "../charts/chart.ts";

/** The most rows of a table; the document has all of them. */
export const MOST_ROWS = 250;

/** A number with its unit, a range of numbers, a time of day, or a missing number. */
const NUMBER =
  /^(|not known|[<+-]?\d[\d.,:]*( [%\w]+)?((\u2013|,| to) ?[+-]?\d[\d.,]*( [%\w]+)?)*)$/;

/** How a page shows a table. */
export interface TablePlace {
  /** Where all rows are, when there are too many. */
  readonly document: string;
  /** Its name, for those who scroll it with the keyboard. */
  readonly name?: string;
}

/** A table with its columns of numbers aligned right, those of words left; the last rows, if there are many. */
export function tableHtml(
  { columns, rows }: Table,
  { document, name }: TablePlace = { document: "metrics.json" },
): string {
  const shown = rows.length > MOST_ROWS ? rows.slice(-MOST_ROWS) : rows;
  const cut = shown.length < rows.length
    ? `<p>The last ${MOST_ROWS} of ${rows.length} rows; ${document} has them all.</p>`
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
  const region = name === undefined
    ? ""
    : ` role="region" aria-label="${escaped(name)}" tabindex="0"`;
  return `${cut}<div class="table"${region}><table><thead><tr>${
    columns.map((column, index) => `<th scope="col"${sides[index]}>${escaped(column)}</th>`)
      .join("")
  }</tr></thead><tbody>${
    shown.map((row) => `<tr>${cells(row)}</tr>`).join("\n")
  }</tbody></table></div>`;
}
