/**
 * Explains a file: reads it, and prints what is wrong or slow.
 *
 * @module
 */

import { readInput } from "../../metrics/input/read_input.ts";
import { explain } from "../../metrics/findings/findings.ts";
import { print } from "../../system/command_line.ts";
import { printableJson } from "../../system/printable.ts";
import { explanationText } from "./explanation_text.ts";

/**
 * Explains a capture or a metrics document.
 *
 * @returns the exit status: 0, 3 if not everything was seen, 4 if there are findings.
 * @throws {Error} in one line when the file cannot be read.
 */
export async function explainFile(path: string, asJson: boolean): Promise<number> {
  const document = await readInput(path);
  const explanation = explain(document);
  if (asJson) {
    const { server, capture } = document;
    const json = { schema: "kea-findings/1", server, capture, ...explanation };
    print(`${printableJson(JSON.stringify(json, null, 2))}\n`);
  } else {
    print(explanationText(document, explanation, Deno.stdout.isTerminal() && !Deno.noColor));
  }
  if (explanation.findings.length > 0) return 4;
  return explanation.not_seen.length > 0 ? 3 : 0;
}
