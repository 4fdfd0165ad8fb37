/**
 * What `viz` and `viz-json` share: the options, and drawing a file.
 *
 * @module
 */

import { ensureOutputFolder, newCommand, runMain, say } from "../../system/command_line.ts";
import { readInput } from "../../metrics/input/read_input.ts";
import { metricsWithoutChart } from "./without_chart.ts";
import { writeReport } from "./write_report.ts";

/** A command that draws a file. */
export function drawingCommand(name: string, argument: string, input: string) {
  return newCommand(name)
    .argument(argument, `${input}; - for standard input`)
    .option("-o, --output <folder>", "where the files go", ".")
    .option("--png", "write a PNG of each chart, too")
    .option("--spec", "write the Vega-Lite specification of each chart, too")
    .showHelpAfterError("(--help shows the options)");
}

/** Draws a file, reports on standard error what was written, and ends the process. */
export async function draw(
  file: string,
  options: { readonly output: string; readonly png?: true; readonly spec?: true },
  only?: "document",
): Promise<never> {
  return await runMain(async () => {
    const document = await readInput(file, only);
    const folder = await ensureOutputFolder(options.output);
    const paths = await writeReport(document, folder, options);
    say(`${paths[0]}, ${paths.length - 1} files of charts`);
    const others = metricsWithoutChart(document);
    if (others.length > 0) {
      say(`No chart for ${others.join(", ")}: see the table in the report`);
    }
    return 0;
  });
}
