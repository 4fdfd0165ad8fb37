/**
 * An explanation as text for a terminal. Pure: values in, text out.
 *
 * @module
 */

import { styleText } from "node:util";
import type { MetricsDocument } from "../../metrics/document.ts";
import { Facts } from "../../metrics/findings/facts.ts";
import type { Explanation } from "../../metrics/findings/findings.ts";
import { printable } from "../../system/printable.ts";
import { sideText } from "../../viz/comparison_words.ts";
import { figureText, SEVERITY_WORDS, sourcesOf } from "../../viz/finding_words.ts";
import { columns, wrapped } from "../../viz/format.ts";
import { plural } from "../../viz/series.ts";

/** Renders an explanation: the findings, the worst first, then what is not known and what was not seen. */
export function explanationText(
  document: MetricsDocument,
  { findings, questions, not_seen }: Explanation,
  colour: boolean,
): string {
  const lines: string[] = [];
  // Colour is added last, so that no name in the file can add its own.
  const add = (text: string, style?: "bold" | "red" | "green" | "yellow") => {
    const shown = printable(text);
    lines.push(
      colour && style !== undefined ? styleText(style, shown, { validateStream: false }) : shown,
    );
  };
  const section = (title: string, sentences: readonly string[]) => {
    if (sentences.length === 0) return;
    add("");
    add(title, "bold");
    for (const line of sentences.flatMap((sentence) => wrapped(sentence))) add(`  ${line}`);
  };
  add(headOf(document));
  for (const [index, finding] of findings.entries()) {
    const { severity, sentence, evidence, remedy } = finding;
    add("");
    const title = wrapped(`${index + 1}. ${SEVERITY_WORDS[severity]}: ${sentence}`);
    for (const line of title) add(line, severity === "risk" ? "yellow" : "red");
    const figures = columns(evidence.map((each) => [each.what, figureText(each)]));
    for (const row of figures) add(`     ${row}`);
    for (const line of remedy.flatMap((step) => wrapped(`-> ${step}`))) add(`   ${line}`);
    add(`   (${sourcesOf(finding).join(", ")})`);
  }
  section("Not known", questions.map(({ question, answer }) => `${question}: ${answer}`));
  section("Not seen", not_seen);
  add("");
  const isQuiet = findings.length === 0;
  add(conclusionOf({ findings, not_seen }), isQuiet && not_seen.length === 0 ? "green" : "yellow");
  return `${lines.join("\n")}\n`;
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
  const rest = not_seen.length === 0 ? "" : " Not everything was seen.";
  return findings.length === 0
    ? `Nothing is wrong or slow in what was seen.${rest}`
    : `${plural(findings.length, "finding")}, the worst first.${rest}`;
}
