/**
 * Recognizes an input by its first line that only bpftrace prints. Lines before it, warnings or the program's
 * own output, do not decide.
 *
 * @module
 */

import { isBpftraceJson, JsonReader } from "./bpftrace_json.ts";
import { isBpftraceText, TextReader } from "./bpftrace_text.ts";
import { InputError, isCaptureStart } from "./input_lines.ts";
import { type BpftraceEvent, BpftraceOutputError } from "./bpftrace_events.ts";

/** Prefixes of log programs, and how to get the output without them. */
const PREFIXES = [
  [
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*(?:Z|[+-]\d\d:?\d\d) (?!\S+ \S+\[\d+\]: )/,
    "docker logs without -t",
  ],
  [/^(?:\w{3} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) \S+ [^\s:]+: /, "journalctl -o cat"],
  [/^[\w.-]+ +\| /, "docker compose logs --no-log-prefix"],
] as const;

/** Escape sequences for colors. */
// deno-lint-ignore no-control-regex
const COLORS = /\x1b\[[\d;]*[mK]/g;

const isOfBpftrace = (line: string) => isBpftraceText(line) || isBpftraceJson(line);

/**
 * Reads what bpftrace printed, in either format.
 *
 * @param lines without their ends; `isCut` says behind the last one whether that had no end.
 * @throws {InputError} when nothing in it is bpftrace's; {@linkcode BpftraceOutputError} for a line
 * that is damaged.
 */
export async function* bpftraceEventsOf(
  lines: (AsyncIterable<string> | Iterable<string>) & { readonly isCut?: boolean },
): AsyncGenerator<BpftraceEvent> {
  const text = new TextReader();
  let json: JsonReader | null = null;
  let isColored = false;
  let number = 0;
  for await (const each of lines) {
    number++;
    let line: string = isColored || each.startsWith("\x1b[") ? each.replaceAll(COLORS, "") : each;
    if (json === null && !text.isRecognized) {
      const plain: string = line.replaceAll(COLORS, "");
      isColored = plain !== line && isOfBpftrace(plain);
      if (isColored) line = plain;
      refuseForeign(plain, number);
      if (isBpftraceJson(line)) json = new JsonReader();
    }
    yield* (json ?? text).read(line, number);
  }
  if (json === null && !text.isRecognized) {
    throw new InputError(
      "Cannot convert the input: expected a capture, or output of bpftrace with lines such as " +
        '"Attaching 1 probe...", "@map[key]: 1" or {"type": "map", ...}, and found none',
    );
  }
  yield* (json ?? text).end(lines.isCut ?? false);
}

/** Throws for a line of bpftrace with a log prefix, or of another known format. */
function refuseForeign(line: string, number: number): void {
  for (const [prefix, remedy] of PREFIXES) {
    const found = prefix.exec(line)?.[0];
    if (found === undefined || !isOfBpftrace(line.slice(found.length))) continue;
    throw new BpftraceOutputError(number, `a log's prefix stands before it: give ${remedy}`);
  }
  if (/^\{.*"(?:MESSAGE|log)"\s*:/.test(line) && !isBpftraceJson(line)) {
    throw new BpftraceOutputError(
      number,
      "it is a log in JSON: give journalctl -o cat, docker logs",
    );
  }
  if (isCaptureStart(line)) {
    throw new BpftraceOutputError(number, "a capture begins behind other lines: give it alone");
  }
}
