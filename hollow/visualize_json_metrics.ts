#!/usr/bin/env -S deno run -A
/**
 * `deno task viz-json`: draws a metrics document as charts and one page, report.html.
 *
 * @module
 */

import { draw, drawingCommand } from "../viz/report/drawing_command.ts";

const command = drawingCommand("viz-json", "<document>", "a metrics document")
  .description(
    "Draw a metrics document: report.html, a self-contained page, and one SVG per chart.",
  )
  .addHelpText(
    "after",
    `
Examples:
  deno task viz-json metrics.json -o report
  deno task -q to-json capture.ndjson | deno task viz-json - -o report`,
  );

await command.parseAsync(Deno.args, { from: "user" });
const [file] = command.processedArgs;
await draw(file, command.opts(), "document");
