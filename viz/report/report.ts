/**
 * The report, one self-contained page: no network, no script, no other file.
 *
 * @module
 */

import type { MetricsDocument } from "../../metrics/document.ts";
import { findingsHtml } from "./findings_html.ts";
import { numbersWithoutChart } from "./without_chart.ts";
import { headlines } from "./headline.ts";
import { escaped } from "../../system/printable.ts";
import { durationOf, plural, significant } from "../series.ts";
import { duration, serverHeading, utc } from "../format.ts";
import { accountOf, ledgerTable, slowTable } from "./account.ts";
import { type DrawnChart, figure, list, pageHead } from "./page_parts.ts";
import { tableHtml } from "./table_html.ts";

/** Renders the page. */
export function report(document: MetricsDocument, charts: readonly DrawnChart[]): string {
  const { server, capture } = document;
  const name = serverHeading(server);
  return `${pageHead(`${name} \u2013 ${capture.verdict}`)}
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
${findingsHtml(document)}
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

function ledger({ ledger }: MetricsDocument): string {
  if (ledger === undefined) return "";
  return `<section id="ledger"><h2>Where every packet went</h2>
<p>${accountOf(ledger)}</p>
${tableHtml(ledgerTable(ledger))}</section>`;
}

function slowPackets({ slow }: MetricsDocument): string {
  if (slow === undefined) return "";
  const sentence =
    `${plural(slow.packets.length, "packet")} took longer than ${duration(slow.threshold_ns)}` +
    (slow.omitted === 0 ? "." : `, and ${slow.omitted} more, not listed.`);
  return `<section id="slow"><h2>Slow packets</h2>
<p>${sentence}</p>
${slow.packets.length === 0 ? "" : tableHtml(slowTable(slow.packets))}</section>`;
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
