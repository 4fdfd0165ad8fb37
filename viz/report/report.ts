/**
 * The report, one self-contained page: no network, no script, no other file.
 *
 * @module
 */

import type { Ledger, MetricsDocument } from "../../metrics/document.ts";
import { ledgerRows } from "../../metrics/ledger.ts";
import type { Chart, Table } from "../charts/chart.ts";
import { numbersWithoutChart } from "./without_chart.ts";
import { headlines } from "./headline.ts";
import { escaped } from "../../system/printable.ts";
import { CSS } from "./report_style.ts";
import { durationOf, plural, significant } from "../series.ts";
import { duration, serverHeading, utc } from "../format.ts";
import { COLOURS, INK } from "../charts/theme.ts";

/** A chart with its drawings by layout. */
export interface DrawnChart {
  readonly chart: Chart;
  readonly svgs: ReadonlyMap<string, string>;
}

/** The most rows of a table; the document has all of them. */
const MOST_ROWS = 250;

/** Renders the page. */
export function report(document: MetricsDocument, charts: readonly DrawnChart[]): string {
  const { server, capture } = document;
  const name = serverHeading(server);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<title>${escaped(name)} \u2013 ${capture.verdict}</title>
<style>${CSS}</style>
</head>
<body>
<header>
<p class="verdict ${capture.verdict === "COMPLETE" ? "complete" : "partial"}">${capture.verdict}</p>
<h1>${escaped(name)}</h1>
<dl>${
    facts(document).map(([term, fact]) => `<div><dt>${term}</dt><dd>${escaped(fact)}</dd></div>`)
      .join("")
  }</dl>
<ul class="headlines">${
    headlines(document).map((line) => `<li>${escaped(line)}</li>`).join("")
  }</ul>
${list("Why it is partial", capture.reasons)}
</header>
<main>
${ledger(document)}
${charts.length === 0 ? "<p>There is nothing to draw.</p>" : ""}
${charts.map(figure).join("\n")}
${otherMetrics(document)}
${slowPackets(document)}
${notAvailable(document)}
</main>
<footer>
<p>Times are counted in buckets, eight per power of two: a percentile is the middle of its bucket, at most
6.3 % off. Counts are exact. Processing time does not include the wait in the socket before Kea reads.</p>
</footer>
</body>
</html>
`;
}

function facts(document: MetricsDocument): [string, string][] {
  const { server, capture } = document;
  const seconds = durationOf(document);
  const found: [string, string | undefined | null][] = [
    ["Version", server.version],
    ["Process", server.pid?.toString()],
    ["From", capture.started === null ? null : utc(capture.started)],
    ["To", capture.ended === null ? null : utc(capture.ended)],
    ["Watched", seconds === null ? null : `${significant(seconds)} s`],
    ["Profile", capture.profile],
  ];
  return found.flatMap(([term, fact]) => fact == null ? [] : [[term, fact]]);
}

function list(title: string, items: readonly string[]): string {
  if (items.length === 0) return "";
  return `<section class="reasons"><h2>${title}</h2><ul>${
    items.map((item) => `<li>${escaped(item)}</li>`).join("")
  }</ul></section>`;
}

function figure({ chart, svgs }: DrawnChart): string {
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

function tableHtml({ columns, rows }: Table): string {
  const shown = rows.length > MOST_ROWS ? rows.slice(-MOST_ROWS) : rows;
  const cut = shown.length < rows.length
    ? `<p>The last ${MOST_ROWS} of ${rows.length} rows; metrics.json has them all.</p>`
    : "";
  // Columns of numbers are aligned right, columns of words left.
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
const NUMBER = /^(|not known|[<-]?\d[\d.,:]*( [%\w]+)?([\u2013,] ?\d[\d.,]*( \w+)?)*)$/;

function ledger({ ledger }: MetricsDocument): string {
  if (ledger === undefined) return "";
  const rows = ledgerRows(ledger).map((
    [what, count, depth],
  ) => [`${"\u2003".repeat(depth)}${what}`, count]);
  return `<section id="ledger"><h2>Where every packet went</h2>
<p>${accountOf(ledger)}</p>
${tableHtml({ columns: ["what", "packets"], rows })}</section>`;
}

function accountOf({ refused, unexplained, not_watched_seconds, not_seen }: Ledger): string {
  const unanswered = refused["unanswered"] ?? 0;
  const sentences = [
    ...unanswered === 0 ? [] : [
      `${
        plural(unanswered, "request")
      } got no answer, and the reason is not known: look in Kea's log, ` +
      "and run <code>deno task troubleshoot</code>.",
    ],
    ...not_watched_seconds === undefined ? [] : [
      `${significant(not_watched_seconds)} s were not watched, and ` +
      (not_seen == null
        ? "how many packets came in that time is not known."
        : `${plural(not_seen, "packet")} of the client came in that time.`),
    ],
    ...unexplained === null
      ? ["Only the probes counted these packets, so packets that they missed do not appear."]
      : unexplained === 0
      ? []
      : [`${plural(unexplained, "packet")} ${unexplained === 1 ? "is" : "are"} unexplained.`],
  ];
  return sentences.length === 0 ? "Every packet is accounted for." : sentences.join(" ");
}

function slowPackets({ slow }: MetricsDocument): string {
  if (slow === undefined) return "";
  const sentence =
    `${plural(slow.packets.length, "packet")} took longer than ${duration(slow.threshold_ns)}` +
    (slow.omitted === 0 ? "." : `, and ${slow.omitted} more, not listed.`);
  const names = [...new Set(slow.packets.flatMap(({ stages }) => Object.keys(stages)))];
  const rows = slow.packets.slice(0, MOST_ROWS).map((packet) => [
    packet.time.slice(0, 23).replace("T", " "),
    `${packet.message} -> ${packet.answer}`,
    duration(packet.duration_ns),
    packet.client,
    packet.transaction,
    ...names.map((name) => name in packet.stages ? duration(packet.stages[name]!) : ""),
  ]);
  const columns = ["time (UTC)", "message", "took", "client", "transaction", ...names];
  return `<section id="slow"><h2>Slow packets</h2>
<p>${sentence}</p>
${rows.length === 0 ? "" : tableHtml({ columns, rows })}</section>`;
}

function otherMetrics(document: MetricsDocument): string {
  const table = numbersWithoutChart(document);
  if (table === null) return "";
  return `<section id="other"><h2>Without a chart</h2>
<p>Totals of the whole run, for metrics that have no chart.</p>
${tableHtml(table)}</section>`;
}

function notAvailable({ capture }: MetricsDocument): string {
  if (capture.not_available.length === 0) return "";
  const rows = capture.not_available.map(({ metric, why }) => [metric, why]);
  return `<section id="not-available"><h2>Not available, and why</h2>
${tableHtml({ columns: ["metric", "why"], rows })}</section>`;
}
