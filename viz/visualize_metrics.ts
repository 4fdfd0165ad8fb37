#!/usr/bin/env -S deno run -A
/**
 * `deno task viz`: a capture or a metrics document as charts and one page, report.html.
 *
 * @module
 */

import { draw, drawingCommand } from "./report/drawing_command.ts";

const command = drawingCommand("viz", "<file>", "a capture or a metrics document")
  .description(
    "Draw a capture or a metrics document: report.html, which needs nothing else, and an SVG for\n" +
      "each chart.",
  )
  .addHelpText(
    "after",
    `
Examples:
  deno task viz kea-monitor-dhcp4-20260101T120000Z/capture.ndjson -o report
  deno task viz metrics.json -o report --png --spec`,
  );

if (import.meta.main) {
  await command.parseAsync(Deno.args, { from: "user" });
  const [file] = command.processedArgs;
  await draw(file, command.opts());
}
