/** Old words do not come back: code, comments, docs and output use the field's words. */

import assert from "node:assert/strict";
import { join } from "node:path";

const ROOT = join(import.meta.dirname!, "..");

/** What is counted: a rate is written "per packet", not "a packet". */
const RATE_OF = "bytes|kB|MB|MiB|[num]s|seconds|milliseconds|times|packets|exchanges|requests|" +
  "operations|calls|lines?|hits|runs|windows|samples|records|keys|means|rows|of a core|of BPF|CPU";
const RATE_PER = "packet|exchange|window|second|sample|reading|call|hit|server|probe|core|body|" +
  "batch|hook point|library|cycle|family|minute|line";

/** Each replaced word, and what is written in its place. */
const REPLACED: readonly (readonly [old: RegExp, write: string])[] = [
  [/\bwhat looking (cost|takes)/i, "monitoring overhead"],
  [/\bLooking:? /, "Overhead"],
  [/\b(costs?|ways) (me |it )?to look\b/i, "monitoring overhead; alternatives"],
  [/\bwanted\b/i, "expected"],
  [new RegExp(`\\b(?:${RATE_OF}) an? (?:${RATE_PER})\\b`, "i"), "per packet, per window, ..."],
  [new RegExp(`\\bone an? (?:${RATE_PER}|process|file)\\b`, "i"), "one per window, ..."],
  [/\b(tells?|told|untold|telling)\b/i, "report, say, show, know; distinguish"],
  [/\b(some|no|every|any)body\b|\bwhoever\b/i, "a user, no one, or the thing itself"],
  [/\bmend(s|ed|ing)?\b/i, "fix, correct"],
  [/\bdear(er|est|ly)?\b/i, "expensive"],
  [/\bnot( been)? found out\b/i, "unknown"],
  [/\b(not|cannot|could|to|can) be had\b/i, "not available"],
  [/\bthose that come\b/i, "later ones"],
  [/\bheld against\b/i, "is compared with"],
  [/\bhalf of it by chance\b/i, "50 % jitter"],
  [/\bwhat would it call\b/i, "preview the command"],
  [/\bset ?aside\b/i, "quarantine"],
  [/\bprices?\b/i, "cost, overhead"],
  // Names that did not say what they are.
  [/\basMeant\b/i, "resolveUserPath"],
  [/\buntilStopped\b/i, "abortOnSignal"],
  [/\bmakeOutput\b/i, "ensureOutputFolder"],
  [/\bisPatient\b/i, "retryForever"],
  [/\blookedAt\b/i, "withAlternative"],
  [/\bwatchman\b/i, "changePoll"],
];

/** Where an old word is right, and why. */
const ALLOWED: readonly (readonly [text: RegExp, why: string])[] = [
  [/["'`]nobody\b|\b(user|User|as) `?nobody\b|\b(as|is)Nobody\b|\bNOBODY\b/g, "the Unix user"],
  [/\bprice_us\b/g, "a field of captures and of find-symbols"],
];

/** The tracked files that people read. */
async function readFiles(): Promise<string[]> {
  const { success, stdout } = await new Deno.Command("git", {
    args: [
      "ls-files",
      "-z",
      "*.ts",
      "*.bt",
      "*.java",
      "*.cc",
      "*.md",
      "deno.json",
      "metrics/*.json",
      ".ci/*",
    ],
    cwd: ROOT,
  }).output();
  assert.ok(success, "git ls-files");
  return new TextDecoder().decode(stdout).split("\0").filter((file) => file !== "");
}

/** Parts of a name are words: `isToldOnce` is "is Told Once". */
const asWords = (text: string) => text.replaceAll("_", " ").replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ");

/** The old words of a text, with their lines. */
function oldWords(text: string): string[] {
  let left = text;
  for (const [allowed] of ALLOWED) left = left.replaceAll(allowed, "");
  const lines = left.split("\n");
  return lines.flatMap((line, at) =>
    REPLACED.flatMap(([old, write]) => {
      const found = line.match(old) ?? asWords(line).match(old);
      return found === null ? [] : [`${at + 1}: "${found[0]}": write ${write}`];
    })
  );
}

Deno.test("no replaced word stands in code, comments, docs or output", async () => {
  const found: string[] = [];
  for (const file of await readFiles()) {
    if (file === "tests/words_test.ts") continue;
    const text = await Deno.readTextFile(join(ROOT, file));
    found.push(...oldWords(text).map((word) => `${file}:${word}`));
  }
  assert.deepEqual(found, []);
});

Deno.test("oldWords() finds words in sentences and in names, and leaves the allowed ones", () => {
  assert.deepEqual(oldWords("fine\na number is wanted"), ['2: "wanted": write expected']);
  assert.deepEqual(oldWords("let isTold = 1"), [
    '1: "Told": write report, say, show, know; distinguish',
  ]);
  assert.deepEqual(oldWords("13.7 us a packet"), [
    '1: "us a packet": write per packet, per window, ...',
  ]);
  assert.deepEqual(oldWords('run as "nobody", price_us'), []);
});
