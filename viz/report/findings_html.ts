/**
 * The findings of a run as a part of a page.
 *
 * @module
 */

import type { MetricsDocument } from "../../metrics/document.ts";
import { explain } from "../../metrics/findings/findings.ts";
import type { Finding } from "../../metrics/findings/finding.ts";
import { escaped } from "../../system/printable.ts";
import { figureText, nothingFound, SEVERITY_WORDS } from "../finding_words.ts";
import { tableHtml } from "./table_html.ts";

/**
 * What is wrong or slow, the worst first, with evidence and remedy; and what is not known.
 *
 * @param when "in the last hour"; empty for a run.
 */
export function findingsHtml(document: MetricsDocument, when = ""): string {
  const { findings, questions, not_seen } = explain(document);
  const found = findings.length > 0
    ? `<ol>${findings.map(findingHtml).join("\n")}</ol>`
    : `<p>${nothingFound(not_seen)}</p>`;
  const open = questions.length === 0
    ? ""
    : `<p>Not known: ${
      questions.map(({ question, answer }) => `${escaped(question)} (${escaped(answer)})`).join(
        "; ",
      )
    }.</p>`;
  return `<section class="findings"><h2>${`What is wrong or slow ${when}`.trimEnd()}</h2>
${found}
${open}</section>`;
}

function findingHtml({ severity, sentence, evidence, remedy }: Finding, index: number): string {
  const rows = evidence.map((each) => [each.what, figureText(each)]);
  return `<li class="finding ${severity}"><p><b>${SEVERITY_WORDS[severity]}</b> ${
    escaped(sentence)
  }</p>
<ul>${remedy.map((step) => `<li>${escaped(step)}</li>`).join("")}</ul>
<details><summary>Evidence<span class="unseen"> of finding ${index + 1}</span></summary>
${tableHtml({ columns: ["what", "figure"], rows })}</details></li>`;
}
