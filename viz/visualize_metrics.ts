#!/usr/bin/env -S deno run -A
/**
 * `deno task viz`: draws a capture or a metrics document as charts and one page, report.html.
 *
 * @module
 */

import { draw, drawingCommand } from "./report/drawing_command.ts";

const command = drawingCommand("viz", "<file>", "a capture or a metrics document")
  .description(
    "Draw a capture or a metrics document: report.html, a self-contained page, and one SVG per " +
      "chart.",
  )
  .addHelpText(
    "after",
    `
Examples:
  deno task viz kea-monitor-dhcp4-20260101T120000Z/capture.ndjson -o report
  deno task viz metrics.json -o report --png --spec`,
  );

await command.parseAsync(Deno.args, { from: "user" });
const [file] = command.processedArgs;
await draw(file, command.opts());
