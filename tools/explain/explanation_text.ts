/**
 * An explanation as text for a terminal. Pure: values in, text out.
 *
 * @module
 */

import type { MetricsDocument } from "../../metrics/document.ts";
import { Facts } from "../../metrics/findings/facts.ts";
import type { Explanation } from "../../metrics/findings/findings.ts";
import { sideText } from "../../viz/comparison_words.ts";
import { figureText, nothingFound, restText, sourcesOf, titleOf } from "../../viz/finding_words.ts";
import { columns, wrapped } from "../../viz/format.ts";
import { plural } from "../../viz/series.ts";
import { TextLines } from "../../viz/text_lines.ts";

/** Renders an explanation: the findings, the worst first, then what is not known and what was not seen. */
export function explanationText(
  document: MetricsDocument,
  { findings, questions, not_seen }: Explanation,
  colour: boolean,
): string {
  const lines = new TextLines(colour);
  lines.add(headOf(document));
  for (const [index, finding] of findings.entries()) {
    const { severity, evidence, remedy } = finding;
    lines.add("");
    const title = wrapped(titleOf(finding, index));
    for (const line of title) lines.add(line, severity === "risk" ? "yellow" : "red");
    const figures = columns(evidence.map((each) => [each.what, figureText(each)]));
    for (const row of figures) lines.add(`     ${row}`);
    for (const line of remedy.flatMap((step) => wrapped(`-> ${step}`))) lines.add(`   ${line}`);
    lines.add(`   (${sourcesOf(finding).join(", ")})`);
  }
  lines.section(
    "Not known",
    questions.map(({ question, answer }) => `${question}: ${answer}`).flatMap(wrapped),
  );
  lines.section("Not seen", not_seen.flatMap(wrapped));
  lines.add("");
  const isQuiet = findings.length === 0;
  lines.add(
    conclusionOf({ findings, not_seen }),
    isQuiet && not_seen.length === 0 ? "green" : "yellow",
  );
  return lines.toString();
}

function headOf(document: MetricsDocument): string {
  const { server, capture } = document;
  const { seconds, received } = new Facts(document);
  return sideText({
    family: server.family ?? null,
    version: server.version ?? null,
    host: server.host ?? null,
    from: capture.started,
    to: capture.ended,
    seconds,
    profile: capture.profile,
    packets_per_second: seconds === 0 ? null : received / seconds,
    verdict: capture.verdict,
  });
}

function conclusionOf({ findings, not_seen }: Pick<Explanation, "findings" | "not_seen">): string {
  return findings.length === 0
    ? nothingFound(not_seen)
    : `${plural(findings.length, "finding")}, the worst first.${restText(not_seen)}`;
}
