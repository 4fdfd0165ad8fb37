#!/usr/bin/env -S deno run -A
/**
 * `deno task to-json`: converts a capture, or what bpftrace itself printed, to a metrics document.
 *
 * @module
 */

import {
  abortOnSignal,
  newCommand,
  openInput,
  print,
  resolveUserPath,
  runMain,
} from "../system/command_line.ts";
import { piecesOf } from "../system/file_bytes.ts";
import { jsonSchema } from "../metrics/document.ts";
import { replaceFile } from "../system/replace_file.ts";
import { convert } from "../metrics/input/convert.ts";

const command = newCommand("to-json")
  .description(
    "Convert a capture, or what bpftrace itself printed (text or -f json), to a metrics document.",
  )
  .argument("[file]", "what to convert; - for standard input")
  .option("-o, --output <file>", "where the document goes (default: standard output)")
  .option("--pretty", "add line breaks and indentation")
  .option("--schema", "print the JSON Schema of documents, convert nothing")
  .showHelpAfterError("(--help shows the options)")
  .addHelpText(
    "after",
    `
Examples:
  deno task -q to-json kea-monitor-dhcp4-20260101T120000Z/capture.ndjson -o kea.json
  bpftrace -f json -e 'BEGIN { @ = hist(5); exit() }' | deno task -q to-json - --pretty
  deno task -q to-json --schema > metrics.schema.json`,
  );

/** The input, piece by piece. */
function bytesOf(file: string): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  if (file === "-") return Deno.stdin.readable;
  return piecesOf(openInput(file, "a capture or the output of bpftrace"));
}

await command.parseAsync(Deno.args, { from: "user" });
const [file] = command.processedArgs;
const { output = "-", pretty = false, schema } = command.opts();
if (file === undefined && !schema) command.error("error: missing argument 'file'");
await runMain(async () => {
  if (schema) {
    print(`${JSON.stringify(jsonSchema(), null, 2)}\n`);
    return 0;
  }
  const text = abortOnSignal(convert(bytesOf(file!), pretty));
  if (output !== "-") await replaceFile(resolveUserPath(output), text);
  else for await (const piece of text) print(piece);
  return 0;
});
