import assert from "node:assert/strict";
import { join } from "node:path";
import { oneLine } from "../system/command_line.ts";
import { printableJson, printableLines } from "../system/printable.ts";

/** They run alone: copied to another machine, or in a namespace of their own. */
const ALONE = ["dras_wrapper.ts", "dora_client.ts"];

/** Places where a line for people could be written without a look at what stands in it. */
function* writers(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = join(folder, name);
    if (isDirectory) yield* writers(path);
    else if (name.endsWith(".ts") && !ALONE.includes(name)) {
      if (/\bconsole\.(error|warn|info|debug)\(/.test(Deno.readTextFileSync(path))) yield path;
    }
  }
}

Deno.test("lines for people are written in one place, where nothing in them can act on a terminal", () => {
  const root = join(import.meta.dirname!, "..");
  const folders = ["system", "metrics", "discovery", "probes", "viz", "hollow", "tools"];
  assert.deepEqual(folders.flatMap((folder) => [...writers(join(root, folder))]), [
    join(root, "system", "command_line.ts"),
  ]);
});

Deno.test("printableLines() keeps lines, printableJson() what JSON means", () => {
  assert.equal(printableLines("a\x1b[2J\nb\x9b2J\u202e"), "a?[2J\nb?2J?");
  const data = { name: "\x1b[2J\x9b\u202e\u2028\x7f" };
  const json = printableJson(JSON.stringify(data));
  assert.match(json, /^[\x20-\x7e]+$/);
  assert.deepEqual(JSON.parse(json), data);
});

Deno.test("oneLine() says what to do where too many files are open", () => {
  const error = new Error("Too many open files (os error 24)");
  assert.equal(oneLine(error), "Too many open files (os error 24): ulimit -n 1024 allows more");
});
